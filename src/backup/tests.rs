//! Folders that are made beside their place, and archives that other programs read.

use super::manifest::Sums;
use super::scratch::{Scratch, is_mounted, tidy};
use super::tar::{Error as TarError, Unpacker, end, pack};
use super::{Error, File};
use bytes::Bytes;
use orderly_domain::time::Timestamp;
use std::fs;
use std::path::Path;
use std::process::Command;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<_> =
        entries.map(|entry| name(entry).to_str().expect("UTF-8").to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_is_there_only_when_it_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("backup");
    let scratch = Scratch::beside(&place, ".partial").expect("nothing is there");
    fs::write(scratch.folder().join("one"), "1").expect("written");
    // a second one at the same time is refused, and disturbs nothing
    assert!(matches!(Scratch::beside(&place, ".partial"), Err(Error::Busy(_))));
    assert_eq!(names(folder.path()), ["backup.partial"]);
    scratch.finish().expect("it is moved");
    assert_eq!(names(folder.path()), ["backup"]);
    assert_eq!(names(&place), ["one"]);
    // and nothing is made where something is
    assert!(matches!(Scratch::beside(&place, ".partial"), Err(Error::Taken(_))));
    assert!(matches!(Scratch::beside(&place.join("one"), ".partial"), Err(Error::Taken(_))));
    assert_eq!(names(folder.path()), ["backup"]);
}

#[test]
fn nothing_is_made_in_a_folder_that_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("not-mounted/backup");
    let refused = Scratch::beside(&place, ".partial").expect_err("it is not there");
    let missing = folder.path().join("not-mounted");
    assert_eq!(refused.to_string(), format!("there is no folder {}", missing.display()));
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_slash_at_the_end_of_a_place_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("backup/");
    fs::create_dir(&place).expect("made");
    let scratch = Scratch::beside(&place, ".partial").expect("it is empty");
    assert_eq!(names(folder.path()), ["backup", "backup.partial"]);
    scratch.finish().expect("it is moved");
    assert_eq!(names(folder.path()), ["backup"]);
}

#[test]
fn an_empty_folder_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let scratch = Scratch::beside(folder.path(), ".partial").expect("it is empty");
    fs::write(scratch.folder().join("one"), "1").expect("written");
    scratch.finish().expect("it is moved");
    assert_eq!(names(folder.path()), ["one"]);
}

#[test]
fn a_place_where_a_file_system_is_mounted_is_told_from_a_folder() {
    assert!(is_mounted(Path::new("/proc")));
    let folder = tempfile::tempdir().expect("a folder");
    assert!(!is_mounted(folder.path()));
}

#[test]
fn what_a_dead_process_left_is_not_in_the_way_and_what_was_dropped_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("backup");
    let left = folder.path().join("backup.partial/new/old");
    fs::create_dir_all(left.parent().expect("a parent")).expect("made");
    fs::write(&left, "old").expect("written");
    let scratch = Scratch::beside(&place, ".partial").expect("nobody has the lock");
    assert!(!left.exists());
    drop(scratch);
    assert!(names(folder.path()).is_empty());
}

/// Two folders that take turns at a place.
#[test]
fn what_is_replaced_is_kept_until_what_is_new_has_proved_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("store");
    fs::create_dir(&place).expect("made");
    fs::write(place.join("old"), "1").expect("written");
    let scratch = Scratch::instead(&place, ".copy").expect("it may be replaced");
    fs::write(scratch.folder().join("new"), "2").expect("written");
    scratch.replace().expect("it is replaced");
    assert_eq!(names(&place), ["new"]);
    assert_eq!(names(&folder.path().join("store.copy/old")), ["old"]);
    drop(scratch);
    assert_eq!(names(folder.path()), ["store"]);
    // and what was given up leaves the place as it is
    let scratch = Scratch::instead(&place, ".copy").expect("it may be replaced");
    fs::write(scratch.folder().join("newer"), "3").expect("written");
    drop(scratch);
    assert_eq!((names(folder.path()), names(&place)), (vec!["store".into()], vec!["new".into()]));
    assert!(matches!(Scratch::instead(Path::new("/proc"), ".copy"), Err(Error::Mounted(_))));
}

#[test]
fn a_process_that_died_while_it_replaced_a_folder_leaves_the_old_one_or_the_new_one() {
    for (is_moved, wanted) in [(false, "old"), (true, "new")] {
        let folder = tempfile::tempdir().expect("a folder");
        let (place, beside) = (folder.path().join("store"), folder.path().join("store.copy"));
        for name in ["old", "new"] {
            fs::create_dir_all(beside.join(name)).expect("made");
            fs::write(beside.join(name).join(name), "1").expect("written");
        }
        if is_moved {
            fs::rename(beside.join("new"), &place).expect("moved");
        }
        tidy(&place, ".copy").expect("it is tidied");
        assert_eq!(
            (names(folder.path()), names(&place)),
            (vec!["store".into()], vec![wanted.into()])
        );
        // and again, when there is nothing to do
        tidy(&place, ".copy").expect("it is tidied");
        assert_eq!(names(&place), [wanted]);
    }
}

#[test]
fn only_lines_of_checksums_of_files_in_the_folder_are_read() {
    let mut sums = Sums::default();
    sums.add("pages-000001", b"one");
    sums.add("manifest.json", b"two");
    let lines = sums.lines();
    assert_eq!(Sums::read(lines.as_bytes()), Ok(sums));
    let line = lines.lines().next().expect("a line");
    for wrong in [
        line.to_owned(),
        line.to_uppercase() + "\n",
        line.replace("  ", " ") + "\n",
        line.replace("manifest.json", "../manifest.json") + "\n",
        line.replace("manifest.json", "") + "\n",
        line[1..].to_owned() + "\n",
        format!("{line}\n\n"),
    ] {
        assert!(Sums::read(wrong.as_bytes()).is_err(), "{wrong:?}");
    }
}

fn sample() -> [File; 3] {
    let file =
        |name: &str, content: Vec<u8>| File { name: name.to_owned(), content: content.into() };
    [
        file("empty", vec![]),
        file("pages-000001", vec![7; 1024]),
        file("manifest.json", vec![9; 70_001]),
    ]
}

fn archive(files: &[File]) -> Vec<u8> {
    let at = Timestamp::from_seconds(1_700_000_000);
    let packed = files.iter().flat_map(|file| pack(file, at));
    packed.chain([end()]).collect::<Vec<Bytes>>().concat()
}

#[test]
fn tar_unpacks_an_archive() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("archive.tar");
    fs::write(&path, archive(&sample())).expect("written");
    let status = Command::new("tar").arg("-C").arg(folder.path()).arg("-xf").arg(&path).status();
    assert!(status.expect("tar runs").success());
    for file in sample() {
        assert_eq!(fs::read(folder.path().join(&file.name)).expect("a file"), file.content);
    }
    // and the other way round
    let made = Command::new("tar")
        .args(["--format=ustar", "-C"])
        .arg(folder.path())
        .args(["-cf", "-", "empty", "pages-000001", "manifest.json"])
        .output()
        .expect("tar runs");
    assert_eq!(unpacked(&made.stdout, 4096), Ok(sample().into()));
}

fn unpacked(archive: &[u8], piece: usize) -> Result<Vec<File>, TarError> {
    let mut unpacker = Unpacker::default();
    let mut files = Vec::new();
    for piece in archive.chunks(piece) {
        unpacker.push(piece);
        while let Some(file) = unpacker.next_file()? {
            files.push(file);
        }
    }
    unpacker.end().map(|()| files)
}

#[test]
fn an_archive_in_pieces_of_any_size_is_unpacked() {
    let archive = archive(&sample());
    for piece in [1, 100, 511, 512, 513, 4096, archive.len()] {
        assert_eq!(unpacked(&archive, piece), Ok(sample().into()), "{piece}");
    }
}

#[test]
fn an_archive_that_ends_early_or_is_none_is_an_error() {
    let archive = archive(&sample());
    for length in [0, 100, 512, 600, 2000, archive.len() - 1024] {
        assert_eq!(unpacked(&archive[..length], 512), Err(TarError::Early), "{length}");
    }
    for at in [0, 130, 150, 156, 260] {
        let mut changed = archive.clone();
        changed[at] ^= 1;
        assert_eq!(unpacked(&changed, 512), Err(TarError::Header), "{at}");
    }
    assert_eq!(unpacked(&[b'x'; 600], 512), Err(TarError::Header));
}
