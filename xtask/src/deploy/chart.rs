//! The Helm chart.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use xshell::{Shell, cmd};

use super::{Verdict, ask, documents, is_installed, read, schema};

const CHART: &str = "helm/syncline";

/// What `helm template` is given to render what the defaults leave out.
const EVERYTHING: [&str; 6] = [
    "metrics.serviceMonitor.enabled=true",
    "metrics.prometheusRule.enabled=true",
    "logging.filter=debug",
    "persistence.storageClass=fast",
    "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring",
    "extraEnv[0].name=OTEL_EXPORTER_OTLP_ENDPOINT,extraEnv[0].value=http://collector:4318",
];

/// `values.yaml` is what its schema allows.
pub(super) fn values_keep_their_schema(_: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    let chart = folder.join(CHART);
    let (values, schema) =
        (documents::value(&chart.join("values.yaml"))?, documents::value(&chart.join("values.schema.json"))?);
    Ok(Verdict::of(schema::judge(&values, &schema)))
}

/// Every `.Values.x` exists in `values.yaml`, and every value there is used.
pub(super) fn values_are_used(_: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    let values = documents::value(&folder.join(CHART).join("values.yaml"))?;
    let templates = templates(folder)?;
    Ok(Verdict::of(judge_values(&values, &templates)))
}

/// Blocks are closed, and what is included is defined.
pub(super) fn templates_are_whole(_: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    Ok(Verdict::of(judge_templates(&templates(folder)?)))
}

/// What helm says, with the defaults and with everything switched on.
pub(super) fn by_helm(shell: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    if !is_installed(shell, "helm", &["version"]) {
        return Ok(Verdict::Skipped("helm is not installed; the checks above read the chart without it".to_owned()));
    }
    let chart = folder.join(CHART);
    let everything: Vec<_> = EVERYTHING.iter().flat_map(|value| ["--set", value]).collect();
    let mut said = ask(cmd!(shell, "helm lint --strict {chart}"))?;
    said.extend(ask(cmd!(shell, "helm template syncline {chart}"))?);
    said.extend(ask(cmd!(shell, "helm template syncline {chart} {everything...}"))?);
    Ok(Verdict::of(said))
}

/// The templates, with their names.
fn templates(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let files: Vec<PathBuf> = documents::files(&folder.join(CHART).join("templates"))?;
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    files.iter().map(|path| Ok((name(path), read(path)?))).collect()
}

fn judge_values(values: &Value, templates: &[(String, String)]) -> Vec<String> {
    let mut used = BTreeSet::new();
    let mut findings = Vec::new();
    for (name, text) in templates {
        let mut paths: Vec<String> = paths_behind(text, ".Values.");
        // Shared templates are handed one of these as `own`.
        for own in paths_behind(text, ".own.") {
            paths.extend(["serve", "worker"].map(|part| format!("{part}.{own}")));
        }
        for path in paths {
            if path.split('.').try_fold(values, |value, part| value.get(part)).is_none() {
                findings.push(format!("templates/{name}: `.Values.{path}` is not in values.yaml"));
            }
            used.insert(path);
        }
    }
    let mut leaves = Vec::new();
    leaves_of("", values, &mut leaves);
    // Whoever hands a part on as a whole uses all of it; those that are only handed to shared templates use their own.
    let whole = |path: &str| used.contains(path) && path != "serve" && path != "worker";
    let is_used = |leaf: &str| whole(leaf) || leaf.match_indices('.').any(|(at, _)| whole(&leaf[..at]));
    let idle = leaves.iter().filter(|leaf| !is_used(leaf));
    findings.extend(idle.map(|leaf| format!("values.yaml: `{leaf}` is used by no template")));
    findings
}

/// The dotted paths behind each occurrence of a mark.
fn paths_behind(text: &str, mark: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    let paths = text.split(mark).skip(1).map(|rest| rest.split(|c| !is_part(c)).next().unwrap_or_default());
    paths.map(|path| path.trim_end_matches('.').to_owned()).collect()
}

fn leaves_of(path: &str, value: &Value, leaves: &mut Vec<String>) {
    match value.as_object().filter(|fields| !fields.is_empty()) {
        Some(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves_of(&path, value, leaves);
            }
        }
        None => leaves.push(path.to_owned()),
    }
}

fn judge_templates(templates: &[(String, String)]) -> Vec<String> {
    let mut findings = Vec::new();
    let actions = |text: &str| -> Vec<String> {
        let actions = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
        actions.map(|(action, _)| action.trim_matches('-').trim().to_owned()).collect()
    };
    let defined: BTreeSet<String> =
        templates.iter().flat_map(|(_, text)| actions(text)).filter_map(|action| quoted(&action, "define ")).collect();
    for (name, text) in templates {
        if text.matches("{{").count() != text.matches("}}").count() {
            findings.push(format!("templates/{name}: `{{{{` and `}}}}` do not match"));
        }
        let mut open = 0_i32;
        for action in actions(text) {
            match action.split_whitespace().next().unwrap_or_default() {
                "if" | "with" | "range" | "define" | "block" => open += 1,
                "end" => open -= 1,
                _ => {}
            }
            let included = action.match_indices("include ").filter_map(|(at, _)| quoted(&action[at..], "include "));
            for included in included.filter(|included| !defined.contains(included)) {
                findings.push(format!("templates/{name}: `{included}` is included, but not defined"));
            }
        }
        if open != 0 {
            findings.push(format!("templates/{name}: {open} blocks more are opened than closed"));
        }
    }
    findings
}

/// The text in quotes behind a word.
fn quoted(text: &str, word: &str) -> Option<String> {
    Some(text.strip_prefix(word)?.trim_start().strip_prefix('"')?.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn files(text: &str) -> Vec<(String, String)> {
        vec![("a.yaml".to_owned(), text.to_owned())]
    }

    #[test]
    fn values_that_are_not_there_or_idle_are_found() {
        let values = json!({"a": {"b": 1, "c": 2}, "all": {"x": 1}, "serve": {"r": 1, "s": 1}, "worker": {"r": 1}});
        let text = "{{ .Values.a.b }} {{ $.Values.a.d }} {{ toYaml .Values.all }} {{ include \"x\" (dict \"own\" .Values.serve) }} \
                    {{ .own.r }} {{ .Values.a.b.}}";
        assert_eq!(
            judge_values(&values, &files(text)),
            [
                "templates/a.yaml: `.Values.a.d` is not in values.yaml",
                "values.yaml: `a.c` is used by no template",
                "values.yaml: `serve.s` is used by no template",
            ]
        );
    }

    #[test]
    fn open_blocks_and_unknown_includes_are_found() {
        let text =
            "{{- define \"one\" }}{{ end }}{{ if .a }}{{ include \"one\" . }}{{- include \"two\" . | nindent 2 }}";
        assert_eq!(
            judge_templates(&files(text)),
            [
                "templates/a.yaml: `two` is included, but not defined",
                "templates/a.yaml: 1 blocks more are opened than closed"
            ]
        );
        assert_eq!(judge_templates(&files("{{ .a }")).len(), 1);
    }
}
