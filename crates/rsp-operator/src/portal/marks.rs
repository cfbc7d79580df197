//! States and events in words, for people who have not read the standard.

use rsp_es::status::{Reason, StatusCode, Subject};
use rsp_store::{Event, EventKind, NetworkState, ProfileState};

use super::shell::Mark;

/// An order's state.
pub(super) fn state(state: ProfileState) -> Mark {
    let (tone, icon) = match state {
        ProfileState::Installed => ("good", "good"),
        ProfileState::Released => ("busy", "wait"),
        ProfileState::Downloaded => ("busy", "busy"),
        ProfileState::Allocated | ProfileState::Linked | ProfileState::Confirmed => ("", "wait"),
        ProfileState::Error => ("bad", "warn"),
        ProfileState::Available | ProfileState::Deleted | ProfileState::Unavailable => ("", "bad"),
    };
    Mark::new(tone, icon, state_name(state))
}

/// A state as pages call it; the standard's word, but for an order that was given up.
pub(super) fn state_name(state: ProfileState) -> &'static str {
    match state {
        ProfileState::Unavailable => "Cancelled",
        other => other.as_str(),
    }
}

/// Whether the network lets it in.
pub(super) fn network(network: NetworkState) -> Mark {
    match network {
        NetworkState::Active => Mark::new("good", "good", "Active"),
        NetworkState::Suspended => Mark::new("warn", "pause", "Suspended"),
    }
}

/// What a state means, and what comes next.
pub(super) fn meaning(state: ProfileState) -> &'static str {
    match state {
        ProfileState::Available => "In stock; nobody has ordered it.",
        ProfileState::Allocated | ProfileState::Linked => "Ordered, and not confirmed yet.",
        ProfileState::Confirmed => "Confirmed. It cannot be downloaded before it is released.",
        ProfileState::Released => "Waits for the device to download it.",
        ProfileState::Downloaded => "The device has the package; its result is awaited.",
        ProfileState::Installed => "The device reported that the profile is installed.",
        ProfileState::Deleted => "The device reported that the profile was deleted.",
        ProfileState::Error => "The download failed for good, or was refused.",
        ProfileState::Unavailable => "The order was given up; its code is worth nothing any more.",
    }
}

/// Whether nothing happens any more by itself.
pub(super) fn is_final(state: ProfileState) -> bool {
    matches!(state, ProfileState::Installed | ProfileState::Deleted | ProfileState::Error | ProfileState::Unavailable)
}

/// What a pair of codes means and what helps, in a sentence each.
pub(super) fn refusal(subject: &str, reason: &str) -> Option<(&'static str, &'static str)> {
    let code = StatusCode {
        subject: Subject::parse(subject).ok()?,
        reason: Reason::parse(reason).ok()?,
        subject_identifier: None,
        message: None,
    };
    code.explanation().map(|explanation| (explanation.meaning, explanation.remedy))
}

/// One event as a line.
pub(super) struct Line {
    pub(super) tone: &'static str,
    pub(super) mark: Mark,
    pub(super) text: String,
    pub(super) more: String,
}

/// What an event says.
pub(super) fn event(event: &Event) -> Line {
    match (event.kind, event.to, event.step.as_deref()) {
        (EventKind::State, Some(to), _) => {
            let mark = state(to);
            let from = event.from.map_or_else(String::new, |from| format!("was {}", state_name(from)));
            let took = event.seconds.map(|seconds| format!("{} from release to installation", duration(seconds)));
            let more = [from, took.unwrap_or_default()].into_iter().filter(|part| !part.is_empty());
            Line {
                tone: mark.tone,
                text: format!("Order is {}", state_name(to)),
                mark,
                more: more.collect::<Vec<_>>().join(" · "),
            }
        }
        (EventKind::Step, _, Some(step)) => match (&event.subject, &event.reason) {
            (Some(subject), Some(reason)) => {
                let said = refusal(subject, reason);
                Line {
                    tone: "bad",
                    mark: Mark::new("bad", "warn", "Refused"),
                    text: format!("{} refused with {subject}/{reason}", step_name(step)),
                    more: said.map(|(meaning, remedy)| format!("{meaning} {remedy}")).unwrap_or_default(),
                }
            }
            _ => Line {
                tone: "busy",
                mark: Mark::new("busy", "busy", "Step"),
                text: step_name(step),
                more: event.detail.clone().unwrap_or_default(),
            },
        },
        _ => Line {
            tone: "",
            mark: Mark::new("", "info", event.kind.as_str()),
            text: event.detail.clone().unwrap_or_else(|| event.kind.to_string()),
            more: String::new(),
        },
    }
}

/// Who did something, without what names the one call: that is for the API.
pub(super) fn actor(actor: &str) -> &str {
    match actor.rsplit_once(" (") {
        Some((who, call)) if who.contains(" by ") && call.ends_with(')') => who,
        _ => actor,
    }
}

/// A function of a session in words, with the standard's name.
pub(super) fn step_name(step: &str) -> String {
    let words = match step {
        "AuthenticateClient" => "Device authenticated",
        "GetBoundProfilePackage" => "Package delivered",
        "HandleNotification" => "Notification taken",
        "CancelSession" => "Session cancelled by the device",
        _ => return step.to_owned(),
    };
    format!("{words} ({step})")
}

/// Seconds as people say them.
pub(super) fn duration(seconds: i64) -> String {
    match seconds {
        0..=89 => format!("{seconds} s"),
        90..=5_399 => format!("{} min", (seconds + 30) / 60),
        5_400..=172_799 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

/// A number with thin spaces between thousands.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{actor, duration, number, refusal};

    #[test]
    fn numbers_and_times_are_easy_to_read() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(number(123_456), "123\u{202f}456");
        assert_eq!([duration(5), duration(95), duration(7_200), duration(259_200)], ["5 s", "2 min", "2 h", "3 days"]);
    }

    #[test]
    fn a_call_is_left_out_of_who_made_it() {
        assert_eq!(actor("DownloadOrder by Alpha (Germany) (1.2.3, 73fb)"), "DownloadOrder by Alpha (Germany)");
        assert_eq!(actor("user ann"), "user ann");
        assert_eq!(actor("LPA (test)"), "LPA (test)");
    }

    #[test]
    fn a_refusal_says_what_helps() {
        assert!(refusal("8.2.6", "3.8").is_some());
        assert!(refusal("1", "2").is_none());
    }
}
