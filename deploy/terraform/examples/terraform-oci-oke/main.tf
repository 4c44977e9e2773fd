# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# Falco on the workers of oracle-terraform-modules/oke. The module's own parts join
# the nodes; Falco is one more part, sorted after them.

terraform {
  required_version = ">= 1.5.0"

  required_providers {
    oci = {
      source  = "oracle/oci"
      version = ">= 8.2.0"
    }
  }
}

provider "oci" {
  region = var.region
}

provider "oci" {
  alias  = "home"
  region = var.home_region
}

module "falco_user_data" {
  source = "../../modules/falco-user-data"

  release      = var.falco_bootstrap_release
  mode         = var.mode
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
  create_bastion     = false
  create_operator    = false

  # That module sets the time zone and grows the root file system.
  timezone          = "Etc/UTC"
  worker_cloud_init = [module.falco_user_data.cloud_init_part]

  worker_pools = {
    workers = {
      size             = 2
      shape            = "VM.Standard.E4.Flex"
      ocpus            = 2
      memory           = 16
      boot_volume_size = 50

      # New user data reaches only new nodes.
      node_cycling_enabled         = true
      node_cycling_max_surge       = "1"
      node_cycling_max_unavailable = "0"
    }
  }

  providers = {
    oci      = oci
    oci.home = oci.home
  }
}

module "falco_logging" {
  source = "../../modules/falco-logging"

  compartment_id = var.compartment_ocid
  tenancy_ocid   = var.tenancy_ocid
  log            = module.falco_user_data.log

  providers = {
    oci      = oci
    oci.home = oci.home
  }
}
