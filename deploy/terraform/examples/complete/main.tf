# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# A cluster, a node pool whose nodes run Falco, and OCI Logging for Falco's alerts.
# Without vcn_id, network.tf makes their network.

locals {
  flex = endswith(var.node_shape, ".Flex")

  log_compartment_id = coalesce(var.log_compartment_ocid, var.compartment_ocid)
  archive            = var.archive_days == 0 ? null : { bucket = "${var.cluster_name}-archive", days = var.archive_days }

  # Versions and images sort by their numbers: 1.9 comes before 1.10, 9.7 before 9.10.
  offered           = { for v in data.oci_containerengine_cluster_option.oke.kubernetes_versions : join(".", formatlist("%05d", [for n in split(".", trimprefix(v, "v")) : tonumber(n)])) => v }
  newest_kubernetes = local.offered[reverse(sort(keys(local.offered)))[0]]
  image_kubernetes  = var.kubernetes_version == "" ? local.newest_kubernetes : var.kubernetes_version

  # Oracle-Linux-9.7-2026.06.15-0-OKE-1.36.1-1505, with -aarch64 after 9.7 for Arm.
  image_name = {
    x86_64  = "^Oracle-Linux-9\\.([0-9]+)-([0-9]+)\\.([0-9]+)\\.([0-9]+)-([0-9]+)-OKE-${replace(trimprefix(local.image_kubernetes, "v"), ".", "\\.")}-([0-9]+)$"
    aarch64 = "^Oracle-Linux-9\\.([0-9]+)-aarch64-([0-9]+)\\.([0-9]+)\\.([0-9]+)-([0-9]+)-OKE-${replace(trimprefix(local.image_kubernetes, "v"), ".", "\\.")}-([0-9]+)$"
  }
  images = { for arch, name in local.image_name : arch => {
    for s in data.oci_containerengine_node_pool_option.oke.sources :
    join(".", formatlist("%08d", [for n in regex(name, s.source_name) : tonumber(n)])) => s.image_id...
    if can(regex(name, s.source_name))
  } }
  newest_image = { for arch, images in local.images : arch => try(images[reverse(sort(keys(images)))[0]][0], "") }

  kubernetes_version = var.kubernetes_version == "" ? terraform_data.pins.output.kubernetes_version : var.kubernetes_version
  image_id           = var.node_image_id == "" ? terraform_data.pins.output.image_id : var.node_image_id

  # Empty if OKE does not offer the image: it may be a custom one.
  image_arch = join("", distinct([for s in data.oci_containerengine_node_pool_option.oke.sources : strcontains(s.source_name, "aarch64") ? "aarch64" : "x86_64" if s.image_id == var.node_image_id]))
}

# What was newest at the first apply. It stays, so that a later apply does not replace
# every node because Oracle has published an image; outputs name what is newest now.
resource "terraform_data" "pins" {
  input            = { kubernetes_version = local.newest_kubernetes, image_id = local.newest_image[var.node_architecture] }
  triggers_replace = [var.kubernetes_version, var.node_architecture]

  lifecycle {
    ignore_changes = [input]

    precondition {
      condition     = var.node_image_id != "" || local.newest_image[var.node_architecture] != ""
      error_message = "OKE offers no Oracle Linux 9 image for this version and architecture; set node_image_id."
    }
  }
}

data "oci_identity_availability_domains" "all" {
  compartment_id = var.tenancy_ocid
}

data "oci_containerengine_cluster_option" "oke" {
  cluster_option_id = "all"
}

data "oci_containerengine_node_pool_option" "oke" {
  node_pool_option_id = "all"
  compartment_id      = var.compartment_ocid
}

module "falco_user_data" {
  source = "../../modules/falco-user-data"

  release = {
    (var.node_architecture) = {
      url    = var.falco_bootstrap_url
      size   = var.falco_bootstrap_size
      sha256 = var.falco_bootstrap_sha256
    }
  }
  mode         = var.mode
  timezone     = var.worker_timezone
  alert_format = var.alert_format

  kubelet_extra_args = var.kubelet_extra_args
  mirror             = var.mirror
  settings           = yamldecode(coalesce(var.falco_settings, "{}"))
}

module "falco_iam" {
  source = "../../modules/falco-iam"

  compartment_id  = var.compartment_ocid
  tenancy_ocid    = var.tenancy_ocid
  name            = var.cluster_name
  identity_domain = var.identity_domain
  dynamic_group   = var.dynamic_group_ocid == "" ? null : { id = var.dynamic_group_ocid, name = var.dynamic_group_name }

  log_compartment_id   = local.log_compartment_id
  create_alerts_policy = var.alert_email != ""
  archive_bucket       = try(local.archive.bucket, null)

  providers = { oci = oci.home }
}

module "falco_logging" {
  source = "../../modules/falco-logging"

  compartment_id   = local.log_compartment_id
  name             = var.cluster_name
  dynamic_group_id = module.falco_iam.dynamic_group_id
  log              = module.falco_user_data.log
  retention_days   = var.retention_days
  archive          = local.archive
}

module "falco_alerts" {
  count  = var.alert_email == "" ? 0 : 1
  source = "../../modules/falco-alerts"

  compartment_id   = local.log_compartment_id
  name             = var.cluster_name
  log_group_id     = module.falco_logging.log_group_id
  alert_log_id     = module.falco_logging.alert_log_id
  report_log_id    = module.falco_logging.report_log_id
  alert_format     = module.falco_user_data.log.alert_format
  minimum_priority = var.alert_minimum_priority
  subscriptions    = [{ protocol = "EMAIL", endpoint = var.alert_email }]
}

resource "oci_containerengine_cluster" "oke" {
  compartment_id     = var.compartment_ocid
  kubernetes_version = local.kubernetes_version
  name               = var.cluster_name
  vcn_id             = local.network.vcn_id
  type               = "ENHANCED_CLUSTER"

  cluster_pod_network_options {
    cni_type = "FLANNEL_OVERLAY"
  }

  endpoint_config {
    is_public_ip_enabled = var.public_endpoint
    subnet_id            = local.network.endpoint_subnet_id
  }

  lifecycle {
    precondition {
      condition     = var.vcn_id == "" ? var.endpoint_subnet_id == "" && var.worker_subnet_id == "" : var.endpoint_subnet_id != "" && var.worker_subnet_id != ""
      error_message = "Set vcn_id, endpoint_subnet_id and worker_subnet_id, or none of them for a new network."
    }
  }

  options {
    service_lb_subnet_ids = var.load_balancer_subnet_id == "" ? null : [var.load_balancer_subnet_id]
  }
}

resource "oci_containerengine_node_pool" "workers" {
  cluster_id         = oci_containerengine_cluster.oke.id
  compartment_id     = var.compartment_ocid
  kubernetes_version = local.kubernetes_version
  name               = "${var.cluster_name}-workers"
  node_shape         = var.node_shape
  ssh_public_key     = var.ssh_public_key == "" ? null : var.ssh_public_key

  node_metadata = {
    user_data = module.falco_user_data.user_data
  }

  node_config_details {
    size         = var.node_pool_size
    defined_tags = module.falco_iam.node_defined_tags

    dynamic "placement_configs" {
      for_each = data.oci_identity_availability_domains.all.availability_domains
      content {
        availability_domain = placement_configs.value.name
        subnet_id           = local.network.worker_subnet_id
      }
    }

    node_pool_pod_network_option_details {
      cni_type = "FLANNEL_OVERLAY"
    }
  }

  dynamic "node_shape_config" {
    for_each = local.flex ? [1] : []
    content {
      ocpus         = var.node_ocpus
      memory_in_gbs = var.node_memory_in_gbs
    }
  }

  node_source_details {
    source_type             = "IMAGE"
    image_id                = local.image_id
    boot_volume_size_in_gbs = 50
  }

  # New user data, a new image or version reach only new nodes. With cycling, OKE
  # replaces the nodes one by one; this needs an enhanced cluster.
  node_pool_cycling_details {
    is_node_cycling_enabled = var.node_cycling
    maximum_surge           = "1"
    maximum_unavailable     = "0"
  }

  initial_node_labels {
    key   = "falco"
    value = "managed"
  }

  lifecycle {
    precondition {
      condition     = contains(["", var.node_architecture], local.image_arch)
      error_message = "The image is for another architecture than node_architecture."
    }
  }
}
