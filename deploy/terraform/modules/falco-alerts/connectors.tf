# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

locals {
  # Falco's priorities, the gravest first.
  priorities = ["Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"]
  notified   = slice(local.priorities, 0, index(local.priorities, var.minimum_priority) + 1)

  # The opposite of is_proof in the falco-logging module. Connectors have only and, or, =
  # and !=: https://docs.oracle.com/iaas/Content/connector-hub/queryreference.htm
  no_proof = {
    json = "(data.rule != 'Read sensitive file untrusted' or logContent != '*fb-probe-* probe-open /etc/shadow*')"
    text = "logContent != '*Sensitive file opened for reading*fb-probe-* probe-open /etc/shadow*'"
  }
  condition = "(${join(" or ", [for p in local.notified : "data.priority = '${p}'"])}) and ${local.no_proof[var.alert_format]}"
}

resource "oci_ons_notification_topic" "falco" {
  compartment_id = var.compartment_id
  name           = "${var.name}-alerts"
  description    = "Falco alerts of Kubernetes worker nodes"
  freeform_tags  = var.freeform_tags
}

# Somebody must confirm each of them; see the message that it gets.
resource "oci_ons_subscription" "falco" {
  for_each = { for i, s in var.subscriptions : tostring(i) => s }

  compartment_id = var.compartment_id
  topic_id       = oci_ons_notification_topic.falco.id
  protocol       = each.value.protocol
  endpoint       = each.value.endpoint
  freeform_tags  = var.freeform_tags
}

resource "oci_sch_service_connector" "notify" {
  compartment_id = var.compartment_id
  display_name   = "${var.name}-alerts-to-topic"
  description    = "Sends Falco alerts to the topic"
  freeform_tags  = var.freeform_tags

  source {
    kind = "logging"
    log_sources {
      compartment_id = var.compartment_id
      log_group_id   = var.log_group_id
      log_id         = var.alert_log_id
    }
  }

  tasks {
    kind      = "logRule"
    condition = local.condition
  }

  target {
    kind                       = "notifications"
    topic_id                   = oci_ons_notification_topic.falco.id
    enable_formatted_messaging = true
  }
}

# A dimension must have few values: no rule output, no container.
resource "oci_sch_service_connector" "alerts" {
  compartment_id = var.compartment_id
  display_name   = "${var.name}-alerts-to-metric"
  description    = "Counts Falco alerts by priority"
  freeform_tags  = var.freeform_tags

  source {
    kind = "logging"
    log_sources {
      compartment_id = var.compartment_id
      log_group_id   = var.log_group_id
      log_id         = var.alert_log_id
    }
  }

  tasks {
    kind      = "logRule"
    condition = local.condition
  }

  target {
    kind             = "monitoring"
    compartment_id   = var.compartment_id
    metric_namespace = var.metric_namespace
    metric           = "alerts"

    dimensions {
      name = "priority"
      dimension_value {
        kind = "jmesPath"
        path = "logContent.data.priority"
      }
    }
  }
}

# Names in reports are those of docs/report.schema.json.
resource "oci_sch_service_connector" "reports" {
  compartment_id = var.compartment_id
  display_name   = "${var.name}-reports-to-metric"
  description    = "Counts reports of falco-bootstrap by node and result"
  freeform_tags  = var.freeform_tags

  source {
    kind = "logging"
    log_sources {
      compartment_id = var.compartment_id
      log_group_id   = var.log_group_id
      log_id         = var.report_log_id
    }
  }

  target {
    kind             = "monitoring"
    compartment_id   = var.compartment_id
    metric_namespace = var.metric_namespace
    metric           = "reports"

    dimensions {
      name = "node"
      dimension_value {
        kind = "jmesPath"
        path = "logContent.data.host.hostname"
      }
    }

    dimensions {
      name = "result"
      dimension_value {
        kind = "jmesPath"
        path = "logContent.data.result"
      }
    }
  }
}
