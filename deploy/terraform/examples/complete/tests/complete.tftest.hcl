# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

mock_provider "oci" {
  mock_data "oci_identity_region_subscriptions" {
    defaults = {
      region_subscriptions = [{ region_name = "eu-frankfurt-1", region_key = "FRA", is_home_region = true, state = "READY" }]
    }
  }
  mock_data "oci_identity_availability_domains" {
    defaults = {
      availability_domains = [{ id = "1", name = "AD-1", compartment_id = "c" }, { id = "2", name = "AD-2", compartment_id = "c" }]
    }
  }
  mock_data "oci_containerengine_cluster_option" {
    defaults = {
      kubernetes_versions = ["v1.35.2", "v1.36.1"]
    }
  }
  mock_data "oci_containerengine_node_pool_option" {
    defaults = {
      sources = [
        { image_id = "old", source_name = "Oracle-Linux-9.7-2026.04.30-3-OKE-1.36.1-1462", source_type = "IMAGE" },
        { image_id = "x86", source_name = "Oracle-Linux-9.7-2026.06.15-0-OKE-1.36.1-1505", source_type = "IMAGE" },
        { image_id = "arm", source_name = "Oracle-Linux-9.7-aarch64-2026.06.15-0-OKE-1.36.1-1505", source_type = "IMAGE" },
        { image_id = "gpu", source_name = "Oracle-Linux-9.7-Gen2-GPU-2026.06.15-0-OKE-1.36.1-1505", source_type = "IMAGE" },
        { image_id = "ol8", source_name = "Oracle-Linux-8.10-2026.06.15-0-OKE-1.36.1-1505", source_type = "IMAGE" },
        { image_id = "135", source_name = "Oracle-Linux-9.7-2026.06.15-0-OKE-1.35.2-1505", source_type = "IMAGE" },
      ]
    }
  }
}

mock_provider "oci" {
  alias = "home"
}

variables {
  tenancy_ocid           = "ocid1.tenancy.oc1..example"
  compartment_ocid       = "ocid1.compartment.oc1..example"
  region                 = "eu-zurich-1"
  vcn_id                 = "ocid1.vcn.oc1..example"
  endpoint_subnet_id     = "ocid1.subnet.oc1..endpoint"
  worker_subnet_id       = "ocid1.subnet.oc1..workers"
  falco_bootstrap_url    = "https://example.com/falco-bootstrap"
  falco_bootstrap_size   = 12345678
  falco_bootstrap_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
}

run "x86" {
  command = apply

  assert {
    condition     = oci_containerengine_node_pool.workers.node_metadata["user_data"] == module.falco_user_data.user_data
    error_message = "The nodes do not get the user data."
  }
  assert {
    condition     = oci_containerengine_node_pool.workers.node_source_details[0].image_id == "x86"
    error_message = "Not the newest Oracle Linux 9 image of this version and architecture."
  }
  assert {
    condition     = length(oci_containerengine_node_pool.workers.node_config_details[0].placement_configs) == 2
    error_message = "The nodes are not spread over the availability domains."
  }
  assert {
    condition     = oci_containerengine_cluster.oke.kubernetes_version == "v1.36.1"
    error_message = "Not the newest Kubernetes version."
  }
}

run "arm" {
  command = apply
  variables {
    node_shape = "VM.Standard.A1.Flex"
  }
  assert {
    condition     = oci_containerengine_node_pool.workers.node_source_details[0].image_id == "arm"
    error_message = "An x86 image for an Arm shape."
  }
  assert {
    condition     = strcontains(base64decode(oci_containerengine_node_pool.workers.node_metadata["user_data"]), "\nfb_size_aarch64='12345678'\n")
    error_message = "The pin is not for the pool's architecture."
  }
}

run "no_image" {
  command = plan
  variables {
    kubernetes_version = "v1.20.0"
  }
  expect_failures = [oci_containerengine_node_pool.workers]
}
