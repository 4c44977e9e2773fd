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

run "searches_are_saved" {
  command = apply

  assert {
    condition     = tomap({ for s in oci_logging_log_saved_search.falco : s.name => s.query }) == tomap({ falco-alert = output.alert_search, falco-proof = output.proof_search, falco-drift = output.drift_search })
    error_message = "The list of searches is not that of the outputs."
  }
  assert {
    condition     = length(oci_sch_service_connector.archive) == 0 && length(oci_objectstorage_bucket.archive) == 0
    error_message = "An archive that nobody asked for."
  }
}

run "archive" {
  command = apply
  variables {
    archive        = { bucket = "falco-archive", days = 400 }
    saved_searches = false
  }
  assert {
    condition     = one(oci_objectstorage_bucket.archive[0].retention_rules).duration[0].time_amount == "400" && oci_objectstorage_bucket.archive[0].access_type == "NoPublicAccess"
    error_message = "The bucket does not keep what is written, or shows it to everybody."
  }
  assert {
    condition     = oci_sch_service_connector.archive["alerts"].source[0].log_sources[0].log_id == oci_logging_log.alerts.id && oci_sch_service_connector.archive["drift"].source[0].log_sources[0].log_id == oci_logging_log.reports.id
    error_message = "Not both logs are copied."
  }
  assert {
    condition     = alltrue([for c in oci_sch_service_connector.archive : c.target[0].bucket == "falco-archive"])
    error_message = "The copies do not go to the bucket."
  }
  assert {
    condition     = length(oci_logging_log_saved_search.falco) == 0
    error_message = "Searches are saved although nobody wants them."
  }
}

run "an_archive_needs_days" {
  command = plan
  variables {
    archive = { bucket = "falco-archive", days = 0.5 }
  }
  expect_failures = [var.archive]
}

run "retention_is_checked" {
  command = plan
  variables {
    retention_days = 45
  }
  expect_failures = [var.retention_days]
}
