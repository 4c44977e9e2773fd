# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# A cluster, a node pool whose nodes run Falco, and OCI Logging for Falco's alerts.
# The network must exist.

locals {
  arm  = can(regex("\\.A[0-9]+\\.", var.node_shape))
  arch = local.arm ? "aarch64" : "x86_64"
  flex = endswith(var.node_shape, ".Flex")

  offered            = data.oci_containerengine_cluster_option.oke.kubernetes_versions
  kubernetes_version = var.kubernetes_version == "" ? element(local.offered, length(local.offered) - 1) : var.kubernetes_version

  # Oracle-Linux-9.7-2026.06.15-0-OKE-1.36.1-1505, with -aarch64 after 9.7 for Arm.
  image_name = "^Oracle-Linux-9\\.[0-9]+${local.arm ? "-aarch64" : ""}-20[0-9.]+-[0-9]+-OKE-${trimprefix(local.kubernetes_version, "v")}-"
  images     = { for s in data.oci_containerengine_node_pool_option.oke.sources : s.source_name => s.image_id if can(regex(local.image_name, s.source_name)) }
  image_id   = var.node_image_id != "" ? var.node_image_id : try(local.images[reverse(sort(keys(local.images)))[0]], "")
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
    (local.arch) = {
      url    = var.falco_bootstrap_url
      size   = var.falco_bootstrap_size
      sha256 = var.falco_bootstrap_sha256
    }
  }
  mode         = var.mode
  timezone     = var.worker_timezone
  alert_format = var.alert_format
}

module "falco_logging" {
  source = "../../modules/falco-logging"

  compartment_id  = var.compartment_ocid
  tenancy_ocid    = var.tenancy_ocid
  name            = var.cluster_name
  log             = module.falco_user_data.log
  identity_domain = var.identity_domain
  retention_days  = var.retention_days

  providers = {
    oci      = oci
    oci.home = oci.home
  }
}

resource "oci_containerengine_cluster" "oke" {
  compartment_id     = var.compartment_ocid
  kubernetes_version = local.kubernetes_version
  name               = var.cluster_name
  vcn_id             = var.vcn_id
  type               = "ENHANCED_CLUSTER"

  cluster_pod_network_options {
    cni_type = "FLANNEL_OVERLAY"
  }

  endpoint_config {
    is_public_ip_enabled = var.public_endpoint
    subnet_id            = var.endpoint_subnet_id
  }

  options {
    service_lb_subnet_ids = [var.endpoint_subnet_id]
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
    size = var.node_pool_size

    dynamic "placement_configs" {
      for_each = data.oci_identity_availability_domains.all.availability_domains
      content {
        availability_domain = placement_configs.value.name
        subnet_id           = var.worker_subnet_id
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

  # New user data reaches only new nodes: replace them one by one when it changes.
  node_pool_cycling_details {
    is_node_cycling_enabled = true
    maximum_surge           = "1"
    maximum_unavailable     = "0"
  }

  initial_node_labels {
    key   = "falco"
    value = var.mode
  }

  lifecycle {
    precondition {
      condition     = local.image_id != ""
      error_message = "OKE offers no Oracle Linux 9 image for this version and architecture; set node_image_id."
    }
  }
}
