# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# terraform validate checks the arguments of oracle-terraform-modules/oke; here only what
# is around it is tested.
mock_provider "oci" {}

mock_provider "oci" {
  alias = "home"
}

override_module {
  target = module.oke
  outputs = {
    ssh_to_operator = "ssh operator"
  }
}

variables {
  tenancy_ocid       = "ocid1.tenancy.oc1..example"
  compartment_ocid   = "ocid1.compartment.oc1..example"
  region             = "eu-zurich-1"
  home_region        = "eu-frankfurt-1"
  kubernetes_version = "v1.36.1"
  worker_image_id    = "ocid1.image.oc1..example"
  ssh_public_key     = "ssh-ed25519 AAAA"
  allowed_cidrs      = ["192.0.2.0/24"]
  falco_bootstrap_release = {
    x86_64 = {
      url    = "https://example.com/falco-bootstrap"
      size   = 12345678
      sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    }
  }
}

run "private_endpoint" {
  command = apply

  assert {
    condition     = output.ssh_to_operator == "ssh operator"
    error_message = "There is no way to a private endpoint."
  }
  assert {
    condition     = strcontains(output.alert_search, "sort by datetime desc")
    error_message = "The query for the alerts is not an output."
  }
}

run "public_endpoint" {
  command = apply
  variables {
    public_endpoint = true
  }
  assert {
    condition     = output.ssh_to_operator == ""
    error_message = "A public endpoint needs no operator host."
  }
}
