//! Files that are lost with a container: those on its own layer or in memory, and not on a volume.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
};

/// Files that container engines create inside of each container.
const MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];
/// Variables that container engines and Kubernetes set inside of each container.
const VARIABLES: [&str; 2] = ["KUBERNETES_SERVICE_HOST", "container"];
/// Mounts of the process, by Linux.
const MOUNTS: &str = "/proc/self/mountinfo";
/// Types of file systems of the layers of containers, which are mounted at the root.
const LAYERS: [&str; 5] = ["overlay", "fuse.overlayfs", "fuse-overlayfs", "aufs", "fuse.fuse-overlayfs"];
/// Types of file systems in memory.
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];

/// Directory whose files are lost when the container ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostFolder {
    folder: PathBuf,
    /// Type of its file system.
    file_system: String,
}

impl LostFolder {
    /// Creates the description of a directory on a file system of this type.
    pub(crate) fn new(folder: impl Into<PathBuf>, file_system: impl Into<String>) -> Self {
        Self { folder: folder.into(), file_system: file_system.into() }
    }
}

impl fmt::Display for LostFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, file_system } = self;
        let place =
            if IN_MEMORY.contains(&file_system.as_str()) { "in memory" } else { "on the container's own layer" };
        write!(f, "{} is {place} ({file_system}), so its files are lost with the container", folder.display())
    }
}

/// Returns the directory of a file if the process is in a container with which the file is lost. `None` if it is kept,
/// or the system does not report it.
pub(crate) fn lost_folder(file: &Path) -> Option<LostFolder> {
    if !is_container(|mark| Path::new(mark).exists(), |name| env::var_os(name).is_some()) {
        return None;
    }
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = fs::canonicalize(parent).ok()?;
    // A single file can be a mount.
    let place = fs::canonicalize(file).unwrap_or_else(|_| folder.clone());
    let mounts = fs::read_to_string(MOUNTS).ok()?;
    Some(LostFolder::new(folder, lost_file_system(&mounts, &place)?))
}

/// Returns whether the marks of a container exist: a file, or a variable.
fn is_container(file_exists: impl Fn(&str) -> bool, is_set: impl Fn(&str) -> bool) -> bool {
    MARKS.iter().any(|mark| file_exists(mark)) || VARIABLES.iter().any(|name| is_set(name))
}

/// Returns the type of the file system of a path in a container if it is lost with the container.
fn lost_file_system(mounts: &str, path: &Path) -> Option<String> {
    // A later mount at the same point hides an earlier one.
    let mount = mounts
        .lines()
        .filter_map(Mount::parse)
        .filter(|mount| path.starts_with(&mount.point))
        .max_by_key(|mount| mount.point.components().count())?;
    let is_layer = mount.point == Path::new("/") && LAYERS.contains(&mount.file_system.as_str());
    (is_layer || IN_MEMORY.contains(&mount.file_system.as_str())).then_some(mount.file_system)
}

/// Entry of the list of mounts.
struct Mount {
    point: PathBuf,
    file_system: String,
}

impl Mount {
    /// Parses a line such as `36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/sda rw`.
    fn parse(line: &str) -> Option<Self> {
        let (head, tail) = line.split_once(" - ")?;
        let point = unescaped(head.split(' ').nth(4)?).into();
        Some(Self { point, file_system: tail.split(' ').next()?.to_owned() })
    }
}

/// Replaces the escapes of spaces, tabs, line ends and backslashes in a path of the list.
fn unescaped(path: &str) -> String {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(path.to_owned(), |path, (escape, text)| path.replace(escape, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mounts of a container with a volume at `/data`, a volume below it, a volume in memory, a mounted file, and
    /// a name with a space.
    const CONTAINER: &str = "\
1123 940 0:57 / / rw,relatime master:310 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A
1124 1123 0:60 / /proc rw,nosuid - proc proc rw
1140 1123 254:1 /docker/volumes/v/_data /data rw,relatime master:1 - ext4 /dev/vda1 rw,discard
1141 1140 0:61 / /data/cache rw,relatime - tmpfs tmpfs rw,size=65536k
1142 1123 0:62 /host /bind\\040mount rw,relatime - overlay overlay rw,lowerdir=/x
1143 1123 0:63 / /srv rw - tmpfs tmpfs rw
1144 1123 254:1 /one.db /app/one.db rw,relatime - ext4 /dev/vda1 rw
1145 1143 254:1 /v2 /srv rw shared:2 - xfs /dev/vdb rw
";

    #[track_caller]
    fn check(mounts: &str, folder: &str, expect: Option<&str>) {
        assert_eq!(lost_file_system(mounts, Path::new(folder)).as_deref(), expect, "{folder}");
    }

    #[test]
    fn layer_and_memory_are_lost_and_volumes_are_kept() {
        check(CONTAINER, "/", Some("overlay"));
        check(CONTAINER, "/app", Some("overlay"));
        check(CONTAINER, "/database", Some("overlay"));
        check(CONTAINER, "/data", None);
        check(CONTAINER, "/data/deep/down", None);
        check(CONTAINER, "/data/cache/x", Some("tmpfs"));
        check(CONTAINER, "/bind mount/x", None);
        check(CONTAINER, "/srv/x", None);
        check(CONTAINER, "/app/one.db", None);
        check(CONTAINER, "/app/one.db.key", Some("overlay"));
    }

    #[test]
    fn layers_of_other_engines_are_detected() {
        let root = |kind: &str| format!("612 511 0:45 / / rw,relatime - {kind} {kind} rw\n");
        for layer in LAYERS {
            check(&root(layer), "/app", Some(layer));
        }
        check(&root("ext4"), "/app", None);
        check(&root("btrfs"), "/app", None);
        for unreadable in ["", "612", "612 511 0:45 / /", "a b c d e - ", "- - - -"] {
            check(unreadable, "/app", None);
        }
    }

    #[test]
    fn container_is_detected_by_file_or_variable() {
        let check = |file: &str, variable: &str, expect: bool| {
            assert_eq!(is_container(|mark| mark == file, |name| name == variable), expect, "{file} {variable}");
        };
        check("", "", false);
        check("/.dockerenv", "", true);
        check("/run/.containerenv", "", true);
        check("", "KUBERNETES_SERVICE_HOST", true);
        check("", "container", true);
        check("/etc/hostname", "HOME", false);
    }

    #[test]
    fn message_names_folder_and_reason() {
        let lost = |file_system: &str| LostFolder::new("/app", file_system);
        assert_eq!(
            lost("overlay").to_string(),
            "/app is on the container's own layer (overlay), so its files are lost with the container"
        );
        assert_eq!(lost("tmpfs").to_string(), "/app is in memory (tmpfs), so its files are lost with the container");
    }
}
