# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

locals {
  # Nine digits of fraction and Z in JSON, +0000 in text: %N and %z read both.
  time_format = "%Y-%m-%dT%H:%M:%S.%N%z"

  # Every line matches, with or without a time stamp: the agent drops lines that
  # do not match. When Falco refuses a rules file, it writes several lines, and
  # only the first has a time stamp.
  text_expression = "^(?:(?<time>\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d+(?:Z|[+-]\\d{4})): (?<priority>[A-Z][a-z]+) )?(?<output>.*)$"
}

resource "oci_logging_unified_agent_configuration" "alerts" {
  compartment_id = var.compartment_id
  display_name   = "${var.name}-alerts"
  description    = "Falco alerts of Kubernetes worker nodes"
  is_enabled     = true
  freeform_tags  = var.freeform_tags

  group_association {
    group_list = [var.dynamic_group_id]
  }

  service_configuration {
    configuration_type = "LOGGING"

    destination {
      log_object_id = oci_logging_log.alerts.id
    }

    sources {
      source_type = "LOG_TAIL"
      name        = "falco-alerts"
      paths       = [var.log.alert_file]

      # The agent discovers this file minutes after Falco began to write it.
      advanced_options {
        is_read_from_head = true
      }

      dynamic "parser" {
        for_each = var.log.alert_format == "json" ? [1] : []
        content {
          parser_type      = "JSON"
          field_time_key   = "time"
          time_type        = "STRING"
          time_format      = local.time_format
          is_keep_time_key = true
        }
      }

      dynamic "parser" {
        for_each = var.log.alert_format == "text" ? [1] : []
        content {
          parser_type      = "REGEXP"
          expression       = local.text_expression
          field_time_key   = "time"
          time_format      = local.time_format
          is_keep_time_key = true
        }
      }
    }
  }
}

# No time key: the time of a report has no fraction if the fraction is zero, and the
# agent drops a line whose time does not parse. The time of arrival is good enough.
resource "oci_logging_unified_agent_configuration" "reports" {
  compartment_id = var.compartment_id
  display_name   = "${var.name}-drift"
  description    = "Reports of falco-bootstrap on Kubernetes worker nodes"
  is_enabled     = true
  freeform_tags  = var.freeform_tags

  group_association {
    group_list = [var.dynamic_group_id]
  }

  service_configuration {
    configuration_type = "LOGGING"

    destination {
      log_object_id = oci_logging_log.reports.id
    }

    sources {
      source_type = "LOG_TAIL"
      name        = "falco-bootstrap-reports"
      paths       = [var.log.report_file]

      advanced_options {
        is_read_from_head = true
      }

      parser {
        parser_type = "JSON"
      }
    }
  }
}
