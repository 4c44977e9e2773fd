# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

mock_provider "oci" {}

variables {
  compartment_id   = "ocid1.compartment.oc1..example"
  dynamic_group_id = "ocid1.dynamicgroup.oc1..example"
  log = {
    alert_file   = "/var/log/falco.log"
    alert_format = "json"
    report_file  = "/var/log/falco-bootstrap-report.json"
  }
}

run "json" {
  command = apply

  assert {
    condition     = one(oci_logging_unified_agent_configuration.alerts.service_configuration[0].sources[0].parser).parser_type == "JSON"
    error_message = "JSON alerts are not parsed as JSON."
  }
  assert {
    condition     = one(oci_logging_unified_agent_configuration.alerts.service_configuration[0].sources[0].parser).time_type == "STRING"
    error_message = "The agent would read the time as a number."
  }
  assert {
    condition     = one(oci_logging_unified_agent_configuration.alerts.service_configuration[0].sources[0].advanced_options).is_read_from_head
    error_message = "Alerts from before the agent knew the file would be lost."
  }
  assert {
    condition     = oci_logging_unified_agent_configuration.alerts.service_configuration[0].destination[0].log_object_id == oci_logging_log.alerts.id
    error_message = "Alerts do not go to the alert log."
  }
  assert {
    condition     = oci_logging_unified_agent_configuration.reports.service_configuration[0].destination[0].log_object_id == oci_logging_log.reports.id
    error_message = "Reports do not go to the report log."
  }
  assert {
    condition     = oci_logging_unified_agent_configuration.reports.service_configuration[0].sources[0].paths == tolist(["/var/log/falco-bootstrap-report.json"])
    error_message = "The report file is not collected."
  }
  assert {
    condition     = oci_logging_unified_agent_configuration.alerts.group_association[0].group_list == tolist(["ocid1.dynamicgroup.oc1..example"])
    error_message = "The agents of the nodes do not get the configuration."
  }
}

run "text" {
  command = apply
  variables {
    log = {
      alert_file   = "/var/log/falco.log"
      alert_format = "text"
      report_file  = "/var/log/falco-bootstrap-report.json"
    }
  }
  assert {
    condition     = one(oci_logging_unified_agent_configuration.alerts.service_configuration[0].sources[0].parser).parser_type == "REGEXP"
    error_message = "Text alerts are not parsed by the expression."
  }
}

run "retention_is_checked" {
  command = plan
  variables {
    retention_days = 45
  }
  expect_failures = [var.retention_days]
}
