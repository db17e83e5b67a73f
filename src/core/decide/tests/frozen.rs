//! Freezes as a conversation with the dispatcher.

use super::*;
use crate::core::moment::Moment;

impl Talk {
    fn freezes(&mut self, who: Asker, until: Option<&str>, except: &str) -> &mut Self {
        let said = format!("{} freezes", who.account);
        let what = Switch::On {
            from: None,
            until: until.map(|text| Moment::parse(text).unwrap()),
            except: except.to_owned(),
            reason: Some("release night".to_owned()),
        };
        self.switches(&said, (who, "freeze"), what)
    }

    fn frees(&mut self, who: Asker) -> &mut Self {
        let said = format!("{} frees", who.account);
        self.switches(&said, (who, "unfreeze"), Switch::Off { reason: None })
    }

    fn switches(&mut self, said: &str, (who, command): (Asker, &str), what: Switch) -> &mut Self {
        let asked = FreezeAsked {
            id: RequestId::parse("01JD2Z6V8Q3K5N7P9R1T3W5Y7B").unwrap(),
            asker: who,
            command: CommandName::parse(command).unwrap(),
            typed: String::new(),
            channel: "slack:C1".to_owned(),
            place: Environment::parse("prod").unwrap(),
            what,
        };
        self.takes(said, &Incoming::Freeze(Box::new(asked)))
    }
}

/// Somebody freezes or frees production.
pub(super) fn switch(talk: &mut Talk, command: &str, who: Asker, what: Switch) {
    talk.switches(command, (who, command), what);
}

#[test]
fn a_freeze_holds_until_it_ends_and_only_some_may_end_it() {
    let mut talk = Talk::new();
    let [ana, bo, dan] = [("U1", "ana"), ("U2", "bo"), ("U4", "dan")].map(|(id, key)| asker(id, Some(key)));
    let planned = || Planning::Planned(version("prod"));
    talk.freezes(asker("U9", None), Some("4h"), "")
        .freezes(dan.clone(), None, "")
        .freezes(dan.clone(), Some("2026-11-01 9:00"), "")
        .freezes(dan.clone(), Some("4h"), "leads")
        .freezes(dan.clone(), Some("4h"), "person:bo,command:rollback")
        .asks(ana.clone(), "prod", planned())
        .frees(asker("U9", None))
        .frees(ana.clone())
        .later(241)
        .takes("time passes", &Incoming::Clock)
        .asks(ana.clone(), "prod", planned())
        .frees(dan.clone());
    insta::assert_snapshot!(talk.log.join("\n"));
    let mut again = Talk::new();
    again.freezes(ana.clone(), Some("Mon 9:00"), "").frees(dan.clone()).frees(bo.clone()).asks(ana, "prod", planned());
    again.freezes(dan.clone(), Some("Mon 9:00"), "").frees(dan);
    insta::assert_snapshot!("freed", again.log.join("\n"));
}

#[test]
fn a_freeze_stops_what_was_asked_for_before_it() {
    let mut talk = Talk::new();
    let [ana, bo, cy, dan] =
        [("U1", "ana"), ("U2", "bo"), ("U3", "cy"), ("U4", "dan")].map(|(id, key)| asker(id, Some(key)));
    talk.asks(dan.clone(), "prod", Planning::Planned(version("prod"))).card().proposed();
    talk.presses(bo, Press::Approve).freezes(ana.clone(), Some("4h"), "").presses(cy.clone(), Press::Approve);
    talk.frees(ana.clone()).presses(cy, Press::Approve).freezes(ana, Some("4h"), "").merge_step();
    insta::assert_snapshot!(talk.log.join("\n"));
}
