# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

output "user_data" {
  description = "The complete custom script, in base64: node_metadata = { user_data = … } of oci_containerengine_node_pool."
  value       = base64encode(local.rendered["oke-falco.sh"])

  # The metadata of an instance is limited to 32,000 bytes, and OKE adds its own.
  precondition {
    condition     = length(local.rendered["oke-falco.sh"]) <= 16384
    error_message = "The user data is over 16 KiB. Make settings, falco_config and falco_rules smaller."
  }
}

output "cloud_init_part" {
  description = "The same script as one part of multi-part user data: an element of worker_cloud_init in oracle-terraform-modules/oke. It does not join the node; the module's own parts do."
  value = {
    filename     = "60-falco-bootstrap.sh"
    content_type = "text/x-shellscript"
    content      = local.rendered["60-falco-bootstrap.sh"]
  }

  precondition {
    condition     = length(local.rendered["60-falco-bootstrap.sh"]) <= 16384
    error_message = "The user data is over 16 KiB. Make settings, falco_config and falco_rules smaller."
  }
}

output "join_part" {
  description = "The part that joins the node, for multi-part user data of your own: this, your parts, cloud_init_part. cloud-init runs them in the order of their file names. Not with oracle-terraform-modules/oke, which has one."
  value = {
    filename     = "50-oke.sh"
    content_type = "text/x-shellscript"
    content      = local.rendered["50-oke.sh"]
  }
}

output "log" {
  description = "Input for the falco-logging module: the files that the nodes write and the format of the alerts."
  value = {
    alert_file   = var.alert_file
    alert_format = var.alert_format
    report_file  = "/var/log/falco-bootstrap-report.json"
  }
}

output "settings" {
  description = "Content of /etc/falco-bootstrap.yaml on the nodes."
  value       = local.settings_yaml
}
