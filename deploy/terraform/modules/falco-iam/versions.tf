# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# Identity resources can only be changed in the home region: pass the provider of that
# region, with providers = { oci = oci.home }.
terraform {
  required_version = ">= 1.5.0"

  required_providers {
    oci = {
      source  = "oracle/oci"
      version = ">= 8.2.0"
    }
  }
}
