//! Every story that is shipped, played by the real binary on both looks: people, bot, commits, ledger. A changed word is a changed
//! transcript; `INSTA_UPDATE=always cargo test --test it stories` writes them anew, to be read before they are kept.

use std::{path::Path, process::Command};

#[test]
fn the_shipped_stories_go_as_told() {
    let stories = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stories");
    let mut names: Vec<_> = std::fs::read_dir(stories).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|name| name.extension().is_some_and(|extension| extension == "yaml"));
    names.sort();
    assert!(names.len() >= 3);
    for story in names {
        let name = story.file_stem().unwrap().to_str().unwrap().to_owned();
        let file = format!("fixtures/stories/{name}.yaml");
        for (platform, snapshot) in [("slack", name.clone()), ("discord", format!("{name}-in-discord"))] {
            let told = Command::new(env!("CARGO_BIN_EXE_leverframe"))
                .args(["play", "--story", &file, "--platform", platform])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .output()
                .unwrap();
            assert!(told.status.success(), "{snapshot}: {}", String::from_utf8_lossy(&told.stderr));
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(snapshot, String::from_utf8(told.stdout).unwrap());
            });
        }
    }
}
