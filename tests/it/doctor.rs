//! `leverframe doctor` beside the world: what it tells of one where everything is there, and of one where much is wrong.

use crate::bot::Scene;

/// What doctor said, with what differs from run to run taken out.
fn plain(scene: &Scene, text: &str) -> String {
    let folder = scene.world.folder().display().to_string();
    let mut lines: Vec<String> = text.replace(&folder, "WORLD").lines().map(str::to_owned).collect();
    for line in &mut lines {
        if let Some((what, _)) = line.split_once(" agrees with ") {
            *line = format!("{} agrees", what.rsplit_once(": ").unwrap().0);
        }
        for port in line.clone().split("127.0.0.1:").skip(1) {
            let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
            *line = line.replace(&format!("127.0.0.1:{digits}"), "HOST");
        }
    }
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_is_looked_at_and_each_line_tells_what_to_do() {
    let scene = Scene::start().await;
    let (code, text) = scene.command(&["doctor"]).await;
    insta::assert_snapshot!("doctor", plain(&scene, &text));
    assert_eq!(code, Some(0), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_needed_and_does_not_work_is_red() {
    let scene = Scene::start().await;
    let file = scene.world.folder().join("leverframe.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    for secret in ["git", "github", "slack", "discord", "cluster", "pager"] {
        std::fs::write(scene.world.folder().join("secrets").join(secret), "wrong").unwrap();
    }
    let nobody = nobody_there().await;
    std::fs::write(&file, format!("{text}registries:\n  registry.example.com: {{ api: \"{nobody}\" }}\n")).unwrap();
    let (code, text) = scene.command(&["doctor"]).await;
    insta::assert_snapshot!("doctor_red", plain(&scene, &text));
    assert_eq!(code, Some(1), "{text}");
}

/// An address where nobody listens.
async fn nobody_there() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
