/* Intercepts calls between a program and the disk, for the files of the database only.
 *
 *   PROOF_SYNCED=1        the data that a flush made durable is copied to FILE.synced
 *   PROOF_DIE_AT_SYNC=n   the process is killed before the nth flush of the write-ahead log
 *   PROOF_LOG_LIMIT=n     writes to the log beyond this offset (in bytes) fail with the error PROOF_ERRNO
 *   PROOF_READONLY=1      the database file cannot be opened for writing; 2: neither can its log
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static int is_log(const char *path) { return ends_with(path, ".db-wal"); }
static int is_database_file(const char *path) { return ends_with(path, ".db") || is_log(path); }

static int path_of(int fd, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return 1;
}

/* Reads the database through the open descriptor: closing another one would release the locks on it. The log has no
 * locks, and its descriptor may be write-only. */
static void copy(int fd, const char *path) {
    char to[4200], part[4220], block[1 << 16];
    snprintf(to, sizeof to, "%s.synced", path);
    snprintf(part, sizeof part, "%s.part", to);
    int out = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out < 0) return;
    int in = is_log(path) ? open(path, O_RDONLY) : fd;
    off_t offset = 0;
    ssize_t count;
    while ((count = pread(in, block, sizeof block, offset)) > 0) {
        if (write(out, block, (size_t)count) != count) break;
        offset += count;
    }
    close(out);
    if (in != fd) close(in);
    rename(part, to);
}

static int flush(int fd, const char *name) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    static long flushes;
    char path[4096];
    int is_database = path_of(fd, path, sizeof path) && is_database_file(path);
    if (is_database && is_log(path) && ++flushes == number("PROOF_DIE_AT_SYNC")) kill(getpid(), SIGKILL);
    int result = real(fd);
    if (is_database && result == 0 && getenv("PROOF_SYNCED")) copy(fd, path);
    return result;
}

int fsync(int fd) { return flush(fd, "fsync"); }
int fdatasync(int fd) { return flush(fd, "fdatasync"); }

int unlink(const char *path) {
    int (*real)(const char *) = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
    if (getenv("PROOF_SYNCED") && is_log(path)) {
        char synced[4200];
        snprintf(synced, sizeof synced, "%s.synced", path);
        real(synced);
    }
    return real(path);
}

static int refused(int fd, off_t end) {
    char path[4096];
    long limit = number("PROOF_LOG_LIMIT");
    if (!limit || end <= limit || !path_of(fd, path, sizeof path) || !is_log(path)) return 0;
    errno = (int)number("PROOF_ERRNO");
    return 1;
}

ssize_t write(int fd, const void *from, size_t size) {
    ssize_t (*real)(int, const void *, size_t) = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    return refused(fd, lseek(fd, 0, SEEK_CUR) + (off_t)size) ? -1 : real(fd, from, size);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t) =
        (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
    return refused(fd, at + (off_t)size) ? -1 : real(fd, from, size, at);
}

ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) =
        (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    return refused(fd, (off_t)at + (off_t)size) ? -1 : real(fd, from, size, at);
}

static int opened(const char *name, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    long readonly = number("PROOF_READONLY");
    if (readonly && is_database_file(path) && (readonly > 1 || !is_log(path)) && (flags & O_ACCMODE) != O_RDONLY) {
        errno = EROFS;
        return -1;
    }
    return real(path, flags, mode);
}

#define OPEN(name)                                            \
    int name(const char *path, int flags, ...) {              \
        va_list rest;                                         \
        va_start(rest, flags);                                \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                         \
        return opened(#name, path, flags, mode);              \
    }
OPEN(open)
OPEN(open64)
