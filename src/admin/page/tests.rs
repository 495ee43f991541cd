use super::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/admin/page")
}

fn is_of_page(name: &str) -> bool {
    Path::new(name).extension().is_none_or(|extension| extension != "rs")
}

#[test]
fn every_file_of_the_folder_is_served() {
    let names = fs::read_dir(folder()).expect("the folder").map(|entry| {
        let name = entry.expect("a file").file_name();
        name.into_string().expect("UTF-8")
    });
    let there: BTreeSet<_> = names.filter(|name| is_of_page(name)).collect();
    let served: BTreeSet<_> = FILES.iter().map(|file| file.name.to_owned()).collect();
    assert_eq!(served, there);
}

/// What a file of the page loads must be there, and nothing may be loaded from elsewhere or inline: the policy of the page
/// would stop it only in the browser.
#[test]
fn what_the_files_load_is_served_and_nothing_is_inline() {
    let named = r##"(?:\bfrom |\bimport |src=|href=)['"]([^'"#\s][^'"\s]*)['"]"##;
    let named = regex_lite::Regex::new(named).expect("a pattern");
    for file in FILES {
        let text = std::str::from_utf8(file.bytes).expect("UTF-8");
        for found in named.captures_iter(text) {
            let name = found[1].trim_start_matches("/page/").trim_start_matches("./");
            assert!(name == "#/" || File::find(name).is_some(), "{}: {}", file.name, &found[1]);
        }
        for unwanted in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
        {
            assert!(!text.contains(unwanted), "{}: {unwanted}", file.name);
        }
        for unwanted in ["localStorage", "sessionStorage", "document.cookie", "indexedDB"] {
            assert!(!text.contains(unwanted), "{}: {unwanted}", file.name);
        }
        if file.name == INDEX {
            for unwanted in ["<style", " style=", " onclick=", " onload=", "<script>"] {
                assert!(!text.contains(unwanted), "{unwanted}");
            }
        }
        assert!(text.lines().count() < 500, "{} is too long", file.name);
    }
}
