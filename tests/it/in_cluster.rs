//! A cluster by what Kubernetes gives a pod, and by a client certificate: each trusts who it should, and nobody else.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use leverframe::{
    net::{Outgoing, Tls, apart::Own},
    play::{Look, World, WorldOptions},
    secret::Secret,
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    proxy::{AUTHORITY, acceptor, card_says},
    together::within,
};

/// The bot, ended when it is dropped.
struct Bot(Child);

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// TLS as `localhost` in front of what speaks without; its port.
async fn sealed(behind: String, task: &mut JoinSet<()>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    task.spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let behind = behind.clone();
            open.spawn(async move {
                let Ok(mut stream) = acceptor().accept(stream).await else { return };
                let Ok(mut behind) = TcpStream::connect(behind).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
            });
        }
    });
    port
}

/// The configuration with prod reached from within: its token moves to where Kubernetes would mount it.
fn moved_within(config: &Path, folder: &Path, authority: &str) {
    let text = fs::read_to_string(config).unwrap();
    let mut all: Value = serde_yaml::from_str(&text).unwrap();
    let reference = all["clusters"]["prod"]["token"].as_str().unwrap().to_owned();
    let file = reference.strip_prefix("${file:").unwrap().strip_suffix('}').unwrap();
    fs::create_dir_all(folder).unwrap();
    fs::copy(config.parent().unwrap().join(file), folder.join("token")).unwrap();
    fs::copy(authority, folder.join("ca.crt")).unwrap();
    all["clusters"]["prod"] = serde_json::json!({ "in_cluster": folder });
    fs::write(config, all.to_string()).unwrap();
}

fn leverframe(command: &str, config: &Path, port: u16) -> Command {
    let mut leverframe = Command::new(env!("CARGO_BIN_EXE_leverframe"));
    leverframe.arg(command).arg("--config").arg(config);
    leverframe.env("KUBERNETES_SERVICE_HOST", "localhost").env("KUBERNETES_SERVICE_PORT", port.to_string());
    leverframe
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_is_followed_in_the_cluster_that_the_bot_runs_in() {
    let world = World::start(WorldOptions::quick()).await.unwrap();
    let config = world.write_config("127.0.0.1:0").unwrap();
    let mut task = JoinSet::new();
    let behind = world.clusters["prod"].api().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let port = sealed(behind, &mut task).await;
    moved_within(&config, &world.folder().join("account"), AUTHORITY);
    let mut bot = leverframe("serve", &config, port);
    let mut child = bot.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let _bot = Bot(child);
    world.set_bot(line.trim().split_once("listens on ").expect("the bot starts").1);
    let asked = async {
        let mut told = String::from("not asked");
        while !told.is_empty() {
            told = world
                .slack
                .says("ana", "deploys", "/deploy checkout prod v1.2.5")
                .await
                .unwrap()
                .unwrap()
                .shown
                .unwrap_or_default();
        }
    };
    within("the rules to be read", asked).await;
    card_says(&world, "[Approve]").await;
    within("a vote that counts", async {
        while world.presses(Look::Slack, "bo", "deploys", "Approve").await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    card_says(&world, "Live: 3 of 3 pods run v1.2.5.").await;
    let doctor =
        tokio::task::spawn_blocking(move || leverframe("doctor", &config, port).output().unwrap()).await.unwrap();
    let text = String::from_utf8(doctor.stdout).unwrap();
    assert!(text.lines().any(|line| line.contains("cluster prod") && line.contains("answers")), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_a_pod_it_says_what_is_missing() {
    let world = World::start(WorldOptions::quick()).await.unwrap();
    let config = world.write_config("127.0.0.1:0").unwrap();
    moved_within(&config, &world.folder().join("account"), AUTHORITY);
    let mut check = leverframe("doctor", &config, 1);
    check.env_remove("KUBERNETES_SERVICE_HOST");
    let output = tokio::task::spawn_blocking(move || check.output().unwrap()).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_ne!(output.status.code(), Some(0));
    assert!(said.contains("clusters.prod") && said.contains("KUBERNETES_SERVICE_HOST"), "{said}");
}

/// A server that answers only whoever has a certificate of the company.
async fn strict(task: &mut JoinSet<()>) -> u16 {
    let pem = |bytes: &'static [u8]| CertificateDer::from_pem_slice(bytes).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(pem(include_bytes!("company/authority.pem"))).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("company/services.key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_client_cert_verifier(verifier);
    let config = config.with_single_cert(vec![pem(include_bytes!("company/services.pem"))], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    task.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_a_certificate_shows_it() {
    let mut task = JoinSet::new();
    let port = strict(&mut task).await;
    let url = url::Url::parse(&format!("https://localhost:{port}/version")).unwrap();
    let tls = Tls { ca_file: Some(fs::read(AUTHORITY).unwrap()) };
    let pem = [&include_bytes!("company/services.pem")[..], include_bytes!("company/services.key")].concat();
    let identity = Some(Secret::new(String::from_utf8(pem).unwrap()));
    let ours = Outgoing::apart(&tls, &Own { authorities: None, identity }).unwrap();
    let answer = ours.to(&url).get(url.clone()).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "hello");
    let nobody = Outgoing::apart(&tls, &Own::default()).unwrap();
    assert!(nobody.to(&url).get(url.clone()).send().await.is_err());
    let broken = Own { authorities: None, identity: Some(Secret::new("no certificate")) };
    let refused = Outgoing::apart(&tls, &broken).unwrap_err();
    assert!(!refused.remedy().is_empty() && !refused.to_string().contains("no certificate"), "{refused}");
}
