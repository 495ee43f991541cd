use super::*;
use actix_web::http::header::HeaderValue;
use rstest::rstest;
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
    for file in FILES.iter() {
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

#[rstest]
#[case(&[], false)]
#[case(&["gzip"], true)]
#[case(&["gzip, deflate, br, zstd"], true)]
#[case(&["br;q=1.0, GZIP;q=0.5"], true)]
#[case(&["br", "gzip"], true)]
#[case(&["gzip;q=0"], false)]
#[case(&["gzip;q=0.0, br"], false)]
#[case(&["identity"], false)]
#[case(&["x-gzip"], false)]
#[case(&["gzip;q=nonsense"], false)]
fn gzip_is_sent_to_who_reads_it(#[case] headers: &[&'static str], #[case] gzip: bool) {
    let mut sent = HeaderMap::new();
    for header in headers {
        sent.append(ACCEPT_ENCODING, HeaderValue::from_static(header));
    }
    assert_eq!(Wanted::of(&sent).reads_gzip, gzip);
}

#[rstest]
#[case("", false)]
#[case("\"a-gzip\"", true)]
#[case("W/\"a-gzip\"", true)]
#[case("\"b\", \"a-gzip\"", true)]
#[case("*", true)]
#[case("\"a\"", false)]
#[case("a-gzip", false)]
fn a_copy_is_known_by_its_tag(#[case] header: &'static str, #[case] known: bool) {
    let mut sent = HeaderMap::new();
    sent.insert(IF_NONE_MATCH, HeaderValue::from_static(header));
    assert_eq!(Wanted::of(&sent).has("\"a-gzip\""), known);
}

#[test]
fn a_file_is_compressed_when_that_pays() {
    assert_eq!(compressed(b"short"), None);
    let long = compressed(&b"the same again and again; ".repeat(100)).expect("it pays");
    let mut read = flate2::read::GzDecoder::new(&long[..]);
    assert_eq!(std::io::read_to_string(&mut read).expect("gzip").len(), 2_600);
    let gzip = FILES.iter().filter(|file| file.gzip.is_some()).count();
    assert!(gzip * 10 > FILES.len() * 9, "{gzip}");
}
