# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# Falco on the workers of oracle-terraform-modules/oke. The module's own parts join
# the nodes; Falco is one more part, sorted after them.

module "falco_user_data" {
  source = "../../modules/falco-user-data"

  release      = var.falco_bootstrap_release
  mode         = var.mode
  mirror       = var.mirror
  settings     = var.falco_settings
  falco_config = { priority = "notice" }
}

module "oke" {
  source  = "oracle-terraform-modules/oke/oci"
  version = "~> 5.4"

  tenancy_id         = var.tenancy_ocid
  compartment_id     = var.compartment_ocid
  region             = var.region
  cluster_name       = "falco"
  kubernetes_version = var.kubernetes_version
  ssh_public_key     = var.ssh_public_key

  # Only enhanced clusters can cycle nodes.
  cluster_type = "enhanced"

  # Either a public endpoint for some addresses, or a private one with a way in.
  control_plane_is_public           = var.public_endpoint
  assign_public_ip_to_control_plane = var.public_endpoint
  control_plane_allowed_cidrs       = var.public_endpoint ? var.allowed_cidrs : []
  create_bastion                    = !var.public_endpoint
  bastion_allowed_cidrs             = var.public_endpoint ? [] : var.allowed_cidrs
  create_operator                   = !var.public_endpoint

  # That module sets the time zone and grows the root file system.
  timezone          = "Etc/UTC"
  worker_cloud_init = [module.falco_user_data.cloud_init_part]

  worker_pools = {
    workers = {
      size             = 2
      shape            = var.worker_shape
      ocpus            = 2
      memory           = 16
      boot_volume_size = 50
      defined_tags     = module.falco_iam.node_defined_tags

      # With image_type oke every plan takes the newest image, and cycling would
      # replace every node.
      image_type = "custom"
      image_id   = var.worker_image_id

      # New user data reaches only new nodes.
      node_cycling_enabled         = var.node_cycling
      node_cycling_max_surge       = "1"
      node_cycling_max_unavailable = "0"
    }
  }

  providers = {
    oci      = oci
    oci.home = oci.home
  }
}

module "falco_iam" {
  source = "../../modules/falco-iam"

  compartment_id = var.compartment_ocid
  tenancy_ocid   = var.tenancy_ocid

  providers = { oci = oci.home }
}

module "falco_logging" {
  source = "../../modules/falco-logging"

  compartment_id   = var.compartment_ocid
  dynamic_group_id = module.falco_iam.dynamic_group_id
  log              = module.falco_user_data.log
}
