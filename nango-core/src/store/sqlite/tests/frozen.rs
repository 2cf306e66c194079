//! Test that the marks in the file do not change; expected values are in `golden/sqlite.txt`.

use super::super::{file, vacuum};
use crate::golden::Lines;

#[test]
fn marks_of_the_file_are_frozen() {
    let mut lines = Lines::default();
    lines.add("application id", format_args!("{:08x}", file::APPLICATION_ID));
    lines.add("key of a copy that is not whole", file::COPY_MARK);
    lines.add("key of a rebuild that is due", vacuum::REBUILD_MARK);
    lines.check("sqlite.txt");
}
