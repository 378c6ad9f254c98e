//! The files in `stateroom-cli/deploy`: the Grafana dashboard against the metrics, the Dockerfile and the Kubernetes manifest
//! against each other, the settings and the version of the workspace. `.ci/deploy` runs their linters.
#![expect(clippy::indexing_slicing, reason = "a missing key of a file fails the test")]
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use serde::Deserialize;
use serde_json::{Value, json};

/// The time series of a histogram.
const HISTOGRAM_SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];
/// Columns of a Grafana dashboard.
const GRID_WIDTH: u64 = 24;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// A metric, as the README of the server lists it. A test of that crate compares the list with the code.
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
}

fn metrics() -> BTreeMap<String, Metric> {
    let readme = read("../stateroom-server/README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `stateroom_"));
    let metrics: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(|cell| cell.replace(['`', ' '], "")).collect();
            let [name, kind, labels, ..] = cells.as_slice() else { panic!("{row}") };
            let labels = labels.split(',').filter(|label| !label.is_empty()).map(str::to_owned).collect();
            (format!("stateroom_{name}"), Metric { kind: kind.clone(), labels })
        })
        .collect();
    assert!(metrics.len() > 10, "the README of the server has no table of metrics");
    metrics
}

fn dashboard() -> Value {
    serde_json::from_str(&read("deploy/grafana.json")).unwrap()
}

/// The panels that are not headings.
fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
}

/// The tokens of a PromQL query, without strings: names, and single characters between them.
fn words(query: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for outside in query.split('"').step_by(2) {
        let mut in_name = false;
        for character in outside.chars() {
            let is_name = character.is_alphanumeric() || character == '_';
            match words.last_mut() {
                Some(word) if is_name && in_name => word.push(character),
                _ if character.is_whitespace() => {}
                _ => words.push(character.to_string()),
            }
            in_name = is_name;
        }
    }
    words
}

/// The names in the parentheses or braces that follow `words[at]`: labels, since the values of matchers are strings.
fn listed(words: &[String], at: usize) -> Vec<&str> {
    let inside = words.iter().skip(at + 2).take_while(|word| ![")", "}"].contains(&word.as_str()));
    inside.map(String::as_str).filter(|word| word.starts_with(char::is_alphabetic)).collect()
}

#[test]
fn the_dashboard_shows_all_metrics_and_no_others() {
    let (dashboard, metrics) = (dashboard(), metrics());
    let mut shown = BTreeSet::new();
    for panel in panels(&dashboard) {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let words = words(query);
            let mut known = BTreeSet::from(["instance", "le"]);
            let mut used = BTreeSet::new();
            let mut selectors = 0;
            for (at, word) in words.iter().enumerate() {
                if word == "by" {
                    used.extend(listed(&words, at));
                } else if word.starts_with("stateroom_") {
                    let series = HISTOGRAM_SUFFIXES.iter().find_map(|suffix| word.strip_suffix(suffix));
                    let name = series.filter(|name| metrics.contains_key(*name)).unwrap_or(word);
                    let metric = metrics.get(name).unwrap_or_else(|| panic!("{word} is not a metric: {query}"));
                    assert_eq!(
                        metric.kind == "histogram",
                        name != word,
                        "a series of a histogram has a suffix: {query}"
                    );
                    assert_eq!(words.get(at + 1).map(String::as_str), Some("{"), "{query}");
                    let labels = listed(&words, at);
                    assert!(labels.contains(&"instance"), "not limited to the chosen instances: {query}");
                    used.extend(labels);
                    known.extend(metric.labels.iter().map(String::as_str));
                    shown.insert(name.to_owned());
                    selectors += 1;
                }
            }
            assert!(selectors > 0, "{query} shows no metric");
            assert!(used.is_subset(&known), "{query} uses labels that its metrics lack: {used:?}");
        }
    }
    assert_eq!(shown, metrics.into_keys().collect());
}

#[test]
fn the_dashboard_can_be_imported() {
    let dashboard = dashboard();
    assert_eq!(dashboard["uid"], "stateroom");
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 39 && dashboard["id"].is_null());
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let variable = |name: &str| variables.iter().find(|variable| variable["name"] == name).unwrap();
    assert_eq!(
        (&variable("datasource")["type"], &variable("datasource")["query"]),
        (&json!("datasource"), &json!("prometheus"))
    );
    let instance = variable("instance");
    assert_eq!(
        (&instance["type"], &instance["multi"], &instance["includeAll"]),
        (&json!("query"), &json!(true), &json!(true))
    );
    assert_eq!(instance["query"]["query"], "label_values(stateroom_rooms, instance)");

    let all = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = all.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), all.len(), "two panels have the same id");
    for row in all.iter().filter(|panel| panel["type"] == "row") {
        assert_eq!((&row["panels"], &row["collapsed"]), (&json!([]), &json!(false)), "{}", row["title"]);
    }
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    for panel in panels(&dashboard) {
        let title = &panel["title"];
        assert!(["stat", "timeseries"].contains(&panel["type"].as_str().unwrap()), "{title}");
        assert!(panel["description"].is_string() && panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title}");
        assert_eq!(panel["datasource"], source, "{title}");
        let targets = panel["targets"].as_array().unwrap();
        let letters: BTreeSet<_> = targets.iter().map(|target| target["refId"].as_str().unwrap()).collect();
        assert_eq!(letters.len(), targets.len(), "two queries of {title} have the same letter");
        for target in targets {
            assert_eq!(target["datasource"], source, "{title}");
            assert!(target["legendFormat"].is_string(), "{title}");
        }
    }
}

#[test]
fn panels_do_not_overlap() {
    let dashboard = dashboard();
    let places = dashboard["panels"].as_array().unwrap().iter().map(|panel| {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        assert!(w > 0 && h > 0 && x + w <= GRID_WIDTH, "{}", panel["title"]);
        (&panel["title"], x..x + w, y..y + h)
    });
    let places: Vec<_> = places.collect();
    for (at, (title, columns, rows)) in places.iter().enumerate() {
        for (other, other_columns, other_rows) in places.iter().skip(at + 1) {
            let overlap = columns.start < other_columns.end
                && other_columns.start < columns.end
                && rows.start < other_rows.end
                && other_rows.start < rows.end;
            assert!(!overlap, "{title} overlaps {other}");
        }
    }
}

/// The instructions of the Dockerfile, each in one line.
fn instructions() -> Vec<String> {
    let text = read("deploy/Dockerfile").replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_image_contains_the_command_alone_and_runs_it_without_root() {
    let instructions = instructions();
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let rust = manifest["package"]["rust-version"].as_str().unwrap();
    assert!(instructions.contains(&format!("FROM rust:{rust}-bookworm AS build")), "it is not built with Rust {rust}");
    assert!(instructions.contains(&"RUN cargo build --release --locked -p stateroom-cli".to_owned()));
    let last = instructions.iter().rposition(|line| line.starts_with("FROM ")).unwrap();
    let image = &instructions[last..];
    assert!(image[0].ends_with("/cc-debian12:nonroot"), "{}", image[0]);
    for line in [
        "COPY --from=build /source/target/release/stateroom /usr/local/bin/stateroom",
        "ENV STATEROOM_CACHE_DIR=/tmp/stateroom",
        "USER 65532",
        "WORKDIR /app",
        "EXPOSE 8080 9090",
        "ENTRYPOINT [\"/usr/local/bin/stateroom\"]",
        "CMD [\"serve\", \"/app/dist\", \"--admin\", \"0.0.0.0:9090\"]",
    ] {
        assert!(image.iter().any(|instruction| instruction == line), "`{line}` is missing");
    }
}

#[test]
fn the_image_is_built_from_all_files_of_the_repository() {
    let text = read("deploy/Dockerfile.dockerignore");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let ignored: BTreeSet<_> = lines.map(|line| line.strip_prefix("**/").unwrap_or(line)).collect();
    assert!(ignored.is_superset(&BTreeSet::from([".git", "target", "dist"])), "{ignored:?}");
    assert!(!ignored.iter().any(|name| name.contains(['*', '?', '!', '/'])), "only names are understood: {ignored:?}");
    let Ok(files) =
        Command::new("git").args(["ls-files", "--full-name", ".."]).current_dir(env!("CARGO_MANIFEST_DIR")).output()
    else {
        return;
    };
    let files = String::from_utf8(files.stdout).unwrap();
    let needed: Vec<_> = files.lines().filter(|file| file.split('/').any(|name| ignored.contains(name))).collect();
    assert!(needed.is_empty(), "ignored, but in the repository: {needed:?}");
}

/// The resources of a manifest.
fn resources(file: &str) -> Vec<Value> {
    let text = read(file);
    serde_norway::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap()).collect()
}

/// A resource of the manifest.
fn resource(kind: &str, name: &str) -> Value {
    let mut found = resources("deploy/kubernetes.yaml")
        .into_iter()
        .filter(|resource| resource["kind"] == kind && resource["metadata"]["name"] == name);
    let resource = found.next().unwrap_or_else(|| panic!("no {kind} `{name}`"));
    assert!(found.next().is_none(), "two resources have the same name");
    resource
}

/// The spec of the deployment, and in it the pod and its only container.
fn deployment() -> (Value, Value, Value) {
    let spec = resource("Deployment", "stateroom")["spec"].take();
    let pod = spec["template"].clone();
    let [container] = pod["spec"]["containers"].as_array().unwrap().as_slice() else { panic!("not one container") };
    let container = container.clone();
    (spec, pod, container)
}

#[test]
fn one_process_has_all_rooms() {
    let (spec, _, container) = deployment();
    assert_eq!((&spec["replicas"], &spec["strategy"]), (&json!(1), &json!({"type": "Recreate"})));
    assert_eq!(container["image"], concat!("stateroom:", env!("CARGO_PKG_VERSION")));
}

#[test]
fn probes_and_scrapes_use_the_admin_port() {
    let (_, pod, container) = deployment();
    let ports = container["ports"].as_array().unwrap();
    let ports: BTreeMap<_, _> =
        ports.iter().map(|port| (port["name"].as_str().unwrap(), port["containerPort"].as_u64().unwrap())).collect();
    assert_eq!(ports, BTreeMap::from([("http", 8080), ("admin", 9090)]), "as the Dockerfile exposes");
    for (probe, path) in [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "admin"}), "{probe}");
    }
    let scraped =
        json!({"prometheus.io/scrape": "true", "prometheus.io/port": "9090", "prometheus.io/path": "/metrics"});
    assert_eq!(pod["metadata"]["annotations"], scraped);
    assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], 60);
}

#[test]
fn the_container_has_no_privileges() {
    let (_, pod, container) = deployment();
    let mut security = pod["spec"]["securityContext"].as_object().unwrap().clone();
    security.extend(container["securityContext"].as_object().unwrap().clone());
    let expected = json!({
        "runAsNonRoot": true,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
        "readOnlyRootFilesystem": true,
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
    });
    assert_eq!(Value::Object(security), expected);
    assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
    for amounts in ["requests", "limits"] {
        let keys: Vec<_> = container["resources"][amounts].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["cpu", "memory"], "{amounts}");
    }
    // The server writes no files.
    assert_eq!((&pod["spec"]["volumes"], &container["volumeMounts"]), (&Value::Null, &Value::Null));
    let no_cache = json!({"name": "STATEROOM_NO_CACHE", "value": "true"});
    assert!(container["env"].as_array().unwrap().contains(&no_cache));
}

#[test]
fn the_variables_of_the_container_are_settings() {
    let (_, pod, container) = deployment();
    // For services of these names, Kubernetes would set STATEROOM_PORT and others.
    assert_eq!(pod["spec"]["enableServiceLinks"], false);
    let variables = container["env"].as_array().unwrap();
    let names: BTreeSet<_> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert!(names.is_superset(&BTreeSet::from(["STATEROOM_PRESET", "STATEROOM_TRUSTED_PROXIES"])), "{names:?}");
    let readme = read("README.md");
    for name in names {
        assert!(readme.contains(&format!("`{name}`")), "{name} is not a setting");
    }
}

#[test]
fn durable_rooms_have_a_volume_and_are_deployed_alike_otherwise() {
    let mut durable = resources("deploy/kubernetes-durable.yaml");
    let others = resources("deploy/kubernetes.yaml");
    assert_eq!(durable[1..], others[1..], "the services");
    assert_eq!(durable[0]["kind"], "StatefulSet");
    assert_eq!(durable[0]["metadata"], others[0]["metadata"]);
    let spec = &mut durable[0]["spec"];
    assert_eq!(spec["serviceName"], others[1]["metadata"]["name"]);
    assert_eq!((&spec["replicas"], &spec["selector"]), (&json!(1), &others[0]["spec"]["selector"]));
    let [volume] = spec["volumeClaimTemplates"].as_array().unwrap().as_slice() else { panic!("not one volume") };
    assert_eq!(
        (&volume["metadata"]["name"], &volume["spec"]["accessModes"]),
        (&json!("data"), &json!(["ReadWriteOnce"]))
    );
    assert!(volume["spec"]["resources"]["requests"]["storage"].is_string());

    // The parts of the pod that the deployment does not have.
    let pod = &mut spec["template"]["spec"];
    let security = pod["securityContext"].as_object_mut().unwrap();
    assert_eq!(security.remove("fsGroup"), Some(security["runAsGroup"].clone()));
    assert_eq!(security.remove("fsGroupChangePolicy"), Some(json!("OnRootMismatch")));
    let container = pod["containers"][0].as_object_mut().unwrap();
    assert_eq!(container.remove("volumeMounts"), Some(json!([{"name": "data", "mountPath": "/data"}])));
    let variables = container["env"].as_array_mut().unwrap();
    let data = variables.iter().position(|variable| variable["name"] == "STATEROOM_DATA").unwrap();
    // Below the mount: that one belongs to the group, and may have a directory `lost+found`.
    assert_eq!(variables.remove(data)["value"], "/data/rooms");
    assert_eq!(spec["template"], others[0]["spec"]["template"]);
    assert!(read("README.md").contains("`STATEROOM_DATA`"));
}

#[test]
fn services_lead_to_the_pod() {
    let (spec, pod, _) = deployment();
    let labels = pod["metadata"]["labels"].as_object().unwrap();
    let selects =
        |selector: &Value| selector.as_object().unwrap().iter().all(|(key, value)| labels.get(key) == Some(value));
    assert!(selects(&spec["selector"]["matchLabels"]));
    for (name, port, number) in [("stateroom", "http", 8080), ("stateroom-admin", "admin", 9090)] {
        let service = resource("Service", name)["spec"].take();
        assert_eq!(service["type"], "ClusterIP", "{name}");
        assert!(selects(&service["selector"]), "{name}");
        assert_eq!(service["ports"], json!([{"name": port, "port": number, "targetPort": port}]), "{name}");
    }
}

#[test]
fn words_of_a_query_are_names_outside_of_strings() {
    let words = words("sum by (kind) (rate(a_total{instance=~\"$b|c\"}[5m])) / 1e6");
    assert_eq!(listed(&words, 1), ["kind"]);
    let metric = words.iter().position(|word| word == "a_total").unwrap();
    assert_eq!(listed(&words, metric), ["instance"]);
    assert!(!words.contains(&"c".to_owned()));
}

#[test]
fn the_unit_of_systemd_is_rated_below_two() {
    let readme = read("deploy/README.md");
    let block = |file: &str| {
        let start = format!("```ini\n# /etc/systemd/system/{file}\n");
        readme.split(&start).nth(1).unwrap().split("```").next().unwrap()
    };
    // With the settings of durable rooms.
    let unit = block("stateroom.service").replacen("[Service]\n", block("stateroom.service.d/data.conf"), 1);
    let files = crate::common::directory(&[("stateroom.service", &unit)]);
    let mut analyze = std::process::Command::new("systemd-analyze");
    analyze.args(["security", "--offline=true", "--threshold=20"]).arg(files.path().join("stateroom.service"));
    // Not every machine has it.
    if let Ok(output) = analyze.output() {
        let rating = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{rating} {}", String::from_utf8_lossy(&output.stderr));
    }
}
