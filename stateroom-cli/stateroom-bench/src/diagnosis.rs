//! What there is to say where nothing was answered.
use super::report::{Disconnects, Report};

/// What came instead of answers; nothing if there were any.
pub(crate) fn diagnose_no_responses(report: &Report) -> Option<String> {
    if report.measured.received > 0 {
        return None;
    }
    if report.measured.said == 0 {
        return Some(format!("nothing was measured: no message could be sent{}", ends(report)));
    }
    let mut text = format!("nothing was measured: {} messages were sent, and none was answered", report.measured.said);
    let (count, samples) = &report.measured.strange;
    if *count > 0 {
        text += &format!("\n  {count} other messages came, such as");
        samples.iter().for_each(|sample| text += &format!("\n    {sample}"));
    }
    text += &ends(report);
    if let Some(note) = report.measured.notes.first() {
        text += &format!("\n  hint: {note}");
    } else if report.ended.is_empty() {
        text += "\n  hint: the service has to send back what it is sent, as text or within it; where messages have a form, such \
                 as JSON, say so with --template '{\"text\":\"{message}\"}', and where it answers by something else, such as a \
                 counter, give what it knows: --template increment";
    }
    Some(text)
}

fn ends(report: &Report) -> String {
    report.ended.iter().map(|Disconnects { end, count }| format!("\n  {count} connections ended: {end}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            measurement::Measurement,
            report::tests::{measured, report},
        },
        *,
    };

    #[test]
    fn diagnose_no_responses_is_told_with_what_came_instead() {
        assert_eq!(diagnose_no_responses(&report(measured(), None)), None);
        let strange = (7, vec!["hello".to_owned()]);
        let text = diagnose_no_responses(&report(Measurement { received: 0, strange, ..measured() }, None)).unwrap();
        for says in ["3 messages were sent, and none was answered", "7 other messages", "hello", "1013: too slow"] {
            assert!(text.contains(says), "{text}");
        }
        assert!(
            diagnose_no_responses(&report(Measurement::default(), None)).unwrap().contains("no message could be sent")
        );
    }
}
