# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# OCI Logging keeps entries for 180 days at most; a bucket keeps them as long as its
# rule says, and nobody can remove them before.

locals {
  archived = var.archive == null ? {} : { alerts = oci_logging_log.alerts.id, drift = oci_logging_log.reports.id }
}

data "oci_objectstorage_namespace" "own" {
  count = var.archive == null ? 0 : 1

  compartment_id = var.compartment_id
}

resource "oci_objectstorage_bucket" "archive" {
  count = var.archive == null ? 0 : 1

  compartment_id = var.compartment_id
  namespace      = data.oci_objectstorage_namespace.own[0].namespace
  name           = var.archive.bucket
  access_type    = "NoPublicAccess"
  auto_tiering   = "InfrequentAccess"
  freeform_tags  = var.freeform_tags

  retention_rules {
    display_name = "${var.name}-archive"
    duration {
      time_amount = var.archive.days
      time_unit   = "DAYS"
    }
  }
}

resource "oci_sch_service_connector" "archive" {
  for_each = local.archived

  compartment_id = var.compartment_id
  display_name   = "${var.name}-${each.key}-to-archive"
  description    = "Copies the log to the bucket ${var.archive.bucket}"
  freeform_tags  = var.freeform_tags

  source {
    kind = "logging"
    log_sources {
      compartment_id = var.compartment_id
      log_group_id   = oci_logging_log_group.falco.id
      log_id         = each.value
    }
  }

  target {
    kind               = "objectStorage"
    namespace          = oci_objectstorage_bucket.archive[0].namespace
    bucket             = oci_objectstorage_bucket.archive[0].name
    object_name_prefix = each.key
  }
}
