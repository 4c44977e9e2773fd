# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

mock_provider "oci" {}

mock_provider "oci" {
  alias = "home"
}

variables {
  compartment_id = "ocid1.compartment.oc1..example"
  tenancy_ocid   = "ocid1.tenancy.oc1..example"
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
    condition     = oci_identity_policy.nodes[0].statements == tolist(["Allow dynamic-group 'Default'/'falco-nodes' to use log-content in compartment id ocid1.compartment.oc1..example"])
    error_message = "The policy allows too much, or lacks the identity domain."
  }
  assert {
    condition     = oci_identity_dynamic_group.nodes[0].matching_rule == "ALL {instance.compartment.id = 'ocid1.compartment.oc1..example'}"
    error_message = "The dynamic group does not match the nodes."
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

run "no_identity_domains" {
  command = apply
  variables {
    identity_domain = ""
  }
  assert {
    condition     = startswith(oci_identity_policy.nodes[0].statements[0], "Allow dynamic-group falco-nodes to ")
    error_message = "The classic form has no domain and no quotes."
  }
}

run "own_group" {
  command = apply
  variables {
    tenancy_ocid    = null
    identity_domain = "Workloads"
    dynamic_group   = { id = "ocid1.dynamicgroup.oc1..own", name = "oke" }
  }
  assert {
    condition     = length(oci_identity_dynamic_group.nodes) == 0 && output.dynamic_group_id == "ocid1.dynamicgroup.oc1..own"
    error_message = "The group that was passed is not used."
  }
  assert {
    condition     = strcontains(oci_identity_policy.nodes[0].statements[0], "dynamic-group 'Workloads'/'oke' to use log-content")
    error_message = "The policy does not name the group that was passed."
  }
}

run "tenancy_is_needed_for_a_group" {
  command = plan
  variables {
    tenancy_ocid = null
  }
  expect_failures = [oci_identity_dynamic_group.nodes]
}

run "retention_is_checked" {
  command = plan
  variables {
    retention_days = 45
  }
  expect_failures = [var.retention_days]
}
