//! Signatures: ours, those computed for Discord's scheme, and Wycheproof's for the verifier itself.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde_json::Value;

use super::{
    super::verify::{BadSignature, PublicKey, SIGNATURE, TIMESTAMP, verify},
    contracts, json,
};
use crate::core::names::hex;

const NOW: i64 = 1_795_000_000;

fn headers(time: &str, signature: &str) -> HeaderMap {
    let pairs = [(TIMESTAMP, time), (SIGNATURE, signature)];
    pairs.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn signatures_are_right_in_time_and_complete_or_refused() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let key = PublicKey::parse(&hex(pair.public_key().as_ref())).unwrap();
    let body = Bytes::from_static(b"{\"type\":1}");
    let sign = |time: &str| hex(pair.sign(&[time.as_bytes(), &body].concat()).as_ref());
    let check =
        |time: &str, signature: &str| verify(&key, &headers(time, signature), body.clone(), at(NOW)).map(|_| ());
    let good = |time: &str| check(time, &sign(time));
    let (time, right) = (NOW.to_string(), sign(&NOW.to_string()));
    assert_eq!((good(&time), good(&(NOW - 300).to_string()), good(&(NOW + 300).to_string())), (Ok(()), Ok(()), Ok(())));
    assert_eq!(good(&(NOW - 301).to_string()), Err(BadSignature::Stale));
    assert_eq!(good(&(NOW + 301).to_string()), Err(BadSignature::Stale));
    for time in ["soon", "", "-5", "+1795000000", "99999999999999999999"] {
        assert_eq!(good(time), Err(BadSignature::Wrong), "{time}");
    }
    for bad in
        ["", "zz", &right.replace('a', "b"), &format!("{right}00"), right.strip_suffix(char::is_alphanumeric).unwrap()]
    {
        assert_eq!(check(&time, bad), Err(BadSignature::Wrong), "{bad}");
    }
    let mut lacking = headers(&time, &right);
    lacking.remove(SIGNATURE);
    assert_eq!(verify(&key, &lacking, body.clone(), at(NOW)), Err(BadSignature::Missing));
    let mut twice = headers(&time, &right);
    twice.append(TIMESTAMP, time.parse().unwrap());
    assert_eq!(verify(&key, &twice, body.clone(), at(NOW)), Err(BadSignature::Wrong));
    assert_eq!((PublicKey::parse("ab"), PublicKey::parse(&"g".repeat(64))), (None, None));
}

#[test]
fn the_computed_vectors_are_judged_as_they_say() {
    let Some(folder) = contracts() else { return };
    let vectors = json(&folder.join("ed25519-vectors.json"));
    let vectors = vectors["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 10);
    for vector in vectors {
        let word = |member: &str| vector[member].as_str().unwrap();
        let key = PublicKey::parse(word("public_key")).unwrap();
        let signed_at: i64 = word("timestamp").parse().unwrap();
        let body = Bytes::from(word("body").to_owned());
        let judged = verify(&key, &headers(word("timestamp"), word("signature")), body.clone(), at(signed_at + 60));
        assert_eq!(judged.is_ok(), vector["valid"] == true, "{}", word("name"));
        let late = verify(&key, &headers(word("timestamp"), word("signature")), body, at(signed_at + 301));
        assert!(late.is_err(), "{}", word("name"));
    }
}

#[test]
fn the_verifier_passes_wycheproof() {
    let Some(folder) = contracts() else { return };
    let vectors = json(&folder.join("wycheproof.ed25519_test.json"));
    let bytes = |value: &Value| {
        let text = value.as_str().unwrap();
        let byte = |place: usize| u8::from_str_radix(text.get(place..place + 2).unwrap(), 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect::<Vec<u8>>()
    };
    let mut checked = 0;
    for group in vectors["testGroups"].as_array().unwrap() {
        let key = UnparsedPublicKey::new(&ED25519, bytes(&group["publicKey"]["pk"]));
        for test in group["tests"].as_array().unwrap() {
            let judged = key.verify(&bytes(&test["msg"]), &bytes(&test["sig"])).is_ok();
            assert_eq!(judged, test["result"] == "valid", "{}", test["tcId"]);
            checked += 1;
        }
    }
    assert_eq!(Some(checked), vectors["numberOfTests"].as_i64());
}
