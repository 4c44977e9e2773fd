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
      kubernetes_versions = ["v1.36.1", "v1.9.3"]
    }
  }
  mock_data "oci_core_services" {
    defaults = {
      services = [{ id = "ocid1.service.oc1..all", cidr_block = "all-zrh-services-in-oracle-services-network", name = "All ZRH Services In Oracle Services Network" }]
    }
  }
  mock_data "oci_containerengine_node_pool_option" {
    defaults = {
      sources = [
        { image_id = "old", source_name = "Oracle-Linux-9.9-2026.06.30-3-OKE-1.36.1-1462", source_type = "IMAGE" },
        { image_id = "x86", source_name = "Oracle-Linux-9.10-2026.06.15-0-OKE-1.36.1-1505", source_type = "IMAGE" },
        { image_id = "arm", source_name = "Oracle-Linux-9.10-aarch64-2026.06.15-0-OKE-1.36.1-1505", source_type = "IMAGE" },
        { image_id = "gpu", source_name = "Oracle-Linux-9.10-Gen2-GPU-2026.06.15-0-OKE-1.36.1-1505", source_type = "IMAGE" },
        { image_id = "ol8", source_name = "Oracle-Linux-8.10-2026.06.15-0-OKE-1.36.1-1505", source_type = "IMAGE" },
        { image_id = "19", source_name = "Oracle-Linux-9.10-2026.06.15-0-OKE-1.9.3-1505", source_type = "IMAGE" },
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
    condition     = jsonencode(oci_containerengine_node_pool.workers.node_config_details[0].defined_tags) == jsonencode({ "falco.role" = "worker" })
    error_message = "The nodes lack the tag by which they may write to the logs."
  }
  assert {
    condition     = oci_containerengine_node_pool.workers.initial_node_labels[0].value == "managed" && !oci_containerengine_node_pool.workers.node_pool_cycling_details[0].is_node_cycling_enabled
    error_message = "A change of mode would change the pool, or an apply could replace every node unasked."
  }
  assert {
    condition     = length(coalesce(oci_containerengine_cluster.oke.options[0].service_lb_subnet_ids, [])) == 0
    error_message = "Load balancers would land in the subnet of the API endpoint."
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

run "what_is_newer_later_replaces_nothing" {
  command = apply
  override_data {
    target = data.oci_containerengine_cluster_option.oke
    values = { kubernetes_versions = ["v1.36.1", "v1.37.0"] }
  }
  override_data {
    target = data.oci_containerengine_node_pool_option.oke
    values = { sources = [{ image_id = "next", source_name = "Oracle-Linux-9.11-2026.09.15-0-OKE-1.37.0-1600", source_type = "IMAGE" }] }
  }
  assert {
    condition     = oci_containerengine_cluster.oke.kubernetes_version == "v1.36.1" && oci_containerengine_node_pool.workers.node_source_details[0].image_id == "x86"
    error_message = "The versions of the first apply did not stay."
  }
  assert {
    condition     = output.newest_kubernetes_version == "v1.37.0" && output.newest_node_image_id == "next"
    error_message = "The outputs do not name what is newest."
  }
}

run "an_upgrade_takes_the_versions_image" {
  command = apply
  variables {
    kubernetes_version = "v1.37.0"
  }
  override_data {
    target = data.oci_containerengine_node_pool_option.oke
    values = { sources = [{ image_id = "next", source_name = "Oracle-Linux-9.11-2026.09.15-0-OKE-1.37.0-1600", source_type = "IMAGE" }] }
  }
  assert {
    condition     = oci_containerengine_node_pool.workers.node_source_details[0].image_id == "next" && oci_containerengine_node_pool.workers.kubernetes_version == "v1.37.0"
    error_message = "The nodes keep an image of the old version."
  }
}

run "arm" {
  command = apply
  variables {
    node_shape        = "BM.GPU.GB200.4"
    node_architecture = "aarch64"
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

run "alerts_by_mail" {
  command = apply
  variables {
    alert_email = "oncall@example.com"
  }
  assert {
    condition     = strcontains(module.falco_alerts[0].condition, "data.priority = 'Warning') and ")
    error_message = "Warnings are not sent."
  }
}

run "private_subnet" {
  command = apply
  variables {
    mirror         = "https://mirror.example.com/falco"
    falco_settings = "falco: {rules_follow: true}"
  }
  assert {
    condition     = yamldecode(module.falco_user_data.settings).repository.baseurl == "https://mirror.example.com/falco" && yamldecode(module.falco_user_data.settings).falco.rules_follow == true
    error_message = "The mirror and the settings do not reach the nodes."
  }
}

run "an_x86_gpu_shape" {
  command = apply
  variables {
    node_shape    = "VM.GPU.A10.1"
    node_image_id = "gpu"
  }
  assert {
    condition     = strcontains(base64decode(oci_containerengine_node_pool.workers.node_metadata["user_data"]), "\nfb_size_x86_64='12345678'\n") && oci_containerengine_node_pool.workers.node_source_details[0].image_id == "gpu"
    error_message = "A10 is a graphics card here, not an Arm processor."
  }
}

run "an_image_of_another_architecture" {
  command = plan
  variables {
    node_image_id = "arm"
  }
  expect_failures = [oci_containerengine_node_pool.workers]
}

run "load_balancers_in_their_own_subnet" {
  command = apply
  variables {
    load_balancer_subnet_id = "ocid1.subnet.oc1..lb"
  }
  assert {
    condition     = oci_containerengine_cluster.oke.options[0].service_lb_subnet_ids == tolist(["ocid1.subnet.oc1..lb"])
    error_message = "The subnet that was passed is not used."
  }
}

run "no_image" {
  command = plan
  variables {
    kubernetes_version = "v1.20.0"
  }
  expect_failures = [terraform_data.pins]
}

run "a_network_that_exists" {
  command = apply
  assert {
    condition     = length(oci_core_vcn.new) == 0 && length(oci_core_subnet.workers) == 0 && oci_containerengine_cluster.oke.vcn_id == "ocid1.vcn.oc1..example"
    error_message = "The network that was passed is not used."
  }
}

run "a_new_network" {
  command = apply
  variables {
    vcn_id             = ""
    endpoint_subnet_id = ""
    worker_subnet_id   = ""
  }
  assert {
    condition     = oci_core_subnet.workers[0].cidr_block == "10.0.64.0/18" && oci_core_subnet.endpoint[0].cidr_block == "10.0.0.0/28"
    error_message = "The subnets have other addresses."
  }
  assert {
    condition     = oci_core_subnet.workers[0].prohibit_public_ip_on_vnic && oci_core_subnet.endpoint[0].prohibit_public_ip_on_vnic && length(oci_core_internet_gateway.new) == 0
    error_message = "A private network can be reached from the internet."
  }
  assert {
    condition     = toset([for r in oci_core_route_table.private[0].route_rules : r.network_entity_id]) == toset([oci_core_nat_gateway.new[0].id, oci_core_service_gateway.new[0].id])
    error_message = "The nodes reach neither download.falco.org nor Oracle's services."
  }
  assert {
    condition     = oci_containerengine_node_pool.workers.node_config_details[0].placement_configs != null && alltrue([for p in oci_containerengine_node_pool.workers.node_config_details[0].placement_configs : p.subnet_id == oci_core_subnet.workers[0].id])
    error_message = "The nodes are not in the new subnet."
  }
  assert {
    condition     = oci_containerengine_cluster.oke.endpoint_config[0].subnet_id == oci_core_subnet.endpoint[0].id && oci_containerengine_cluster.oke.vcn_id == oci_core_vcn.new[0].id
    error_message = "The cluster is not in the new network."
  }
}

run "a_public_endpoint_in_a_new_network" {
  command = apply
  variables {
    vcn_id                 = ""
    endpoint_subnet_id     = ""
    worker_subnet_id       = ""
    vcn_cidr               = "192.168.0.0/20"
    public_endpoint        = true
    endpoint_allowed_cidrs = ["192.0.2.0/24"]
  }
  assert {
    condition     = oci_core_subnet.workers[0].prohibit_public_ip_on_vnic && !oci_core_subnet.endpoint[0].prohibit_public_ip_on_vnic && oci_core_subnet.endpoint[0].route_table_id == oci_core_route_table.public[0].id
    error_message = "Not the endpoint alone is public."
  }
  assert {
    condition     = toset([for r in oci_core_security_list.endpoint[0].ingress_security_rules : r.source if r.protocol == "6"]) == toset(["192.168.4.0/22", "192.0.2.0/24"])
    error_message = "Others than the nodes and those who are allowed reach the endpoint."
  }
}

run "a_network_without_subnets" {
  command = plan
  variables {
    worker_subnet_id = ""
  }
  expect_failures = [oci_containerengine_cluster.oke]
}

run "logs_elsewhere_and_kept" {
  command = apply
  variables {
    log_compartment_ocid = "ocid1.compartment.oc1..logs"
    archive_days         = 365
    alert_email          = "oncall@example.com"
  }
  assert {
    condition     = startswith(output.alert_search, "search \"ocid1.compartment.oc1..logs/") && oci_containerengine_cluster.oke.compartment_id == "ocid1.compartment.oc1..example"
    error_message = "The logs are not in their compartment, or the cluster is."
  }
  assert {
    condition     = module.falco_logging.archive_bucket == "falco-archive"
    error_message = "There is no archive."
  }
}
