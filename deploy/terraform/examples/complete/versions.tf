# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

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

# Identity resources can only be changed in the home region.
provider "oci" {
  alias  = "home"
  region = one([for r in data.oci_identity_region_subscriptions.all.region_subscriptions : r.region_name if r.is_home_region])
}

data "oci_identity_region_subscriptions" "all" {
  tenancy_id = var.tenancy_ocid
}
