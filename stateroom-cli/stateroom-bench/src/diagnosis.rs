//! Explains a run in which no message was answered.
use crate::{
    format::plural,
    report::{Disconnects, Report},
};

/// Returns what was received instead of responses, with a hint, or `None` if there were responses.
pub(crate) fn diagnose_no_responses(report: &Report) -> Option<String> {
    let measured = &report.measured;
    if measured.received > 0 {
        return None;
    }
    if measured.total_sent == 0 {
        return Some(format!("nothing was measured: no message could be sent{}", disconnects(report)));
    }
    let mut text =
        format!("nothing was measured: {} sent, none of them answered", plural(measured.total_sent, "message"));
    if measured.unexpected.count > 0 {
        text += &format!("\n  received {} without a marker, such as", plural(measured.unexpected.count, "message"));
        measured.unexpected.samples.iter().for_each(|sample| text += &format!("\n    {sample}"));
    }
    text += &disconnects(report);
    if let Some(note) = measured.notes.first() {
        text += &format!("\n  hint: {note}");
    } else if report.ended.is_empty() {
        text += "\n  hint: the service has to send each message back, alone or inside other text\n  hint: if it expects a format \
                 such as JSON, use --template '{\"text\":\"{message}\"}'\n  hint: if it answers with something else, such as a \
                 counter, send a message that it understands: --template increment";
    }
    Some(text)
}

fn disconnects(report: &Report) -> String {
    let line = |Disconnects { end, count }: &Disconnects| format!("\n  {} lost: {end}", plural(*count, "connection"));
    report.ended.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measurement::Measurement,
        report::tests::{measured, report},
        unexpected_messages::UnexpectedMessages,
    };

    #[test]
    fn shows_what_was_received_instead() {
        assert_eq!(diagnose_no_responses(&report(measured(), None)), None);
        let unexpected = UnexpectedMessages { count: 7, samples: vec!["hello".to_owned()] };
        let unanswered = report(Measurement { received: 0, unexpected, ..measured() }, None);
        let text = diagnose_no_responses(&unanswered).unwrap();
        for expected in ["3 messages sent, none of them answered", "7 messages", "hello", "1013: too slow"] {
            assert!(text.contains(expected), "{text}");
        }
        assert!(
            diagnose_no_responses(&report(Measurement::default(), None)).unwrap().contains("no message could be sent")
        );
    }
}
