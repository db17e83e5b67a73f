//! The people of the demo: the same in Slack, in Discord, on GitHub and in the history of the repository.

/// Somebody who can be acted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// How stories name them; for all but `zed` also their key in the catalog.
    pub key: &'static str,
    /// Their name.
    pub name: &'static str,
    /// What they do, as the persona switcher shows it.
    pub role: &'static str,
    /// Their Slack user id.
    pub slack: &'static str,
    /// Their Discord user id.
    pub discord: &'static str,
    /// Their GitHub login.
    pub github: &'static str,
    /// Their address in commits.
    pub email: &'static str,
}

/// Everybody. `zed` is in Slack, in Discord and on GitHub, but not in the catalog.
pub const PEOPLE: &[Person] = &[
    Person {
        key: "ana",
        name: "Ana Moreau",
        role: "developer, team shop",
        slack: "U0ANA",
        discord: "400000000000000001",
        github: "ana-moreau",
        email: "ana@example.com",
    },
    Person {
        key: "bo",
        name: "Bo Lindqvist",
        role: "lead, team shop",
        slack: "U0BO",
        discord: "400000000000000002",
        github: "bo-lindqvist",
        email: "bo@example.com",
    },
    Person {
        key: "cleo",
        name: "Cleo Okafor",
        role: "lead",
        slack: "U0CLEO",
        discord: "400000000000000003",
        github: "cleo-okafor",
        email: "cleo@example.com",
    },
    Person {
        key: "dan",
        name: "Dan Petrov",
        role: "developer, team shop",
        slack: "U0DAN",
        discord: "400000000000000004",
        github: "dan-petrov",
        email: "dan@example.com",
    },
    Person {
        key: "zed",
        name: "Zed Quill",
        role: "not in the catalog",
        slack: "U0ZED",
        discord: "400000000000000005",
        github: "zed-quill",
        email: "zed@example.com",
    },
];

/// Finds somebody by key, Slack or Discord id, or GitHub login.
pub fn find(who: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| [person.key, person.slack, person.discord, person.github].contains(&who))
}
