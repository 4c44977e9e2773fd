# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

mock_provider "oci" {}

variables {
  compartment_id = "ocid1.compartment.oc1..example"
  log_group_id   = "ocid1.loggroup.oc1..example"
  alert_log_id   = "ocid1.log.oc1..alerts"
  report_log_id  = "ocid1.log.oc1..reports"
  alert_format   = "json"
  subscriptions = [
    { protocol = "EMAIL", endpoint = "oncall@example.com" },
    { protocol = "SLACK", endpoint = "https://hooks.slack.com/services/x" },
  ]
}

run "json" {
  command = apply

  assert {
    condition     = output.condition == "(data.priority = 'Emergency' or data.priority = 'Alert' or data.priority = 'Critical' or data.priority = 'Error' or data.priority = 'Warning') and (data.rule != 'Read sensitive file untrusted' or logContent != '*fb-probe-* probe-open /etc/shadow*')"
    error_message = "The filter leaves out more or less than the proof and what is below a warning."
  }
  assert {
    condition     = oci_sch_service_connector.notify.tasks[0].condition == output.condition && oci_sch_service_connector.alerts.tasks[0].condition == output.condition
    error_message = "What is counted is not what is sent."
  }
  assert {
    condition     = oci_sch_service_connector.notify.target[0].topic_id == output.topic_id && oci_sch_service_connector.notify.source[0].log_sources[0].log_id == "ocid1.log.oc1..alerts"
    error_message = "The alerts do not go to the topic."
  }
  assert {
    condition     = oci_sch_service_connector.reports.source[0].log_sources[0].log_id == "ocid1.log.oc1..reports" && length(oci_sch_service_connector.reports.tasks) == 0
    error_message = "Not every report is counted, so a silent node would not be seen."
  }
  assert {
    condition     = [for d in oci_sch_service_connector.reports.target[0].dimensions : d.name] == ["node", "result"]
    error_message = "The alarms group reports by node and filter them by result."
  }
  assert {
    condition     = length(oci_ons_subscription.falco) == 2 && oci_ons_subscription.falco["1"].protocol == "SLACK"
    error_message = "The subscriptions are not those that were asked for."
  }
  assert {
    condition     = alltrue([for a in oci_monitoring_alarm.falco : a.namespace == "falco" && contains(a.destinations, output.topic_id) && a.is_enabled])
    error_message = "An alarm does not reach the topic."
  }
  assert {
    condition     = oci_monitoring_alarm.falco["silent"].query == "reports[12h].groupBy(node).absent(3d)" && strcontains(oci_monitoring_alarm.falco["rate"].query, "groupBy(priority).sum() > 20")
    error_message = "The alarms do not ask for what they say."
  }
}

run "text" {
  command = apply
  variables {
    alert_format     = "text"
    minimum_priority = "Critical"
  }
  assert {
    condition     = output.condition == "(data.priority = 'Emergency' or data.priority = 'Alert' or data.priority = 'Critical') and logContent != '*Sensitive file opened for reading*fb-probe-* probe-open /etc/shadow*'"
    error_message = "Text has no rule and no fields."
  }
}

run "nobody_subscribes" {
  command = apply
  variables {
    subscriptions = []
  }
  assert {
    condition     = length(oci_ons_subscription.falco) == 0
    error_message = "There is a subscription that nobody asked for."
  }
}

run "unknown_priority_is_refused" {
  command = plan
  variables {
    minimum_priority = "warning"
  }
  expect_failures = [var.minimum_priority]
}

run "unknown_protocol_is_refused" {
  command = plan
  variables {
    subscriptions = [{ protocol = "PIGEON", endpoint = "x" }]
  }
  expect_failures = [var.subscriptions]
}
