# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# A network for the cluster, unless vcn_id names one. The nodes have no public address:
# they reach download.falco.org through the NAT gateway, and Oracle's yum repositories,
# Object Storage and Logging through the service gateway. The rules are those of
# https://docs.oracle.com/en-us/iaas/Content/ContEng/Concepts/contengnetworkconfigexample.htm
# for flannel.

locals {
  new_network = var.vcn_id == "" ? 1 : 0
  public      = var.public_endpoint ? local.new_network : 0

  # A quarter of the addresses for the nodes, sixteen for the endpoint.
  worker_cidr   = cidrsubnet(var.vcn_cidr, 2, 1)
  endpoint_cidr = cidrsubnet(var.vcn_cidr, 28 - tonumber(split("/", var.vcn_cidr)[1]), 0)
  internet      = "0.0.0.0/0"

  network = local.new_network == 0 ? {
    vcn_id             = var.vcn_id
    endpoint_subnet_id = var.endpoint_subnet_id
    worker_subnet_id   = var.worker_subnet_id
    } : {
    vcn_id             = oci_core_vcn.new[0].id
    endpoint_subnet_id = oci_core_subnet.endpoint[0].id
    worker_subnet_id   = oci_core_subnet.workers[0].id
  }

  tcp  = "6"
  icmp = "1"

  endpoint_ingress = concat(
    [for port in [6443, 12250] : { cidr = local.worker_cidr, port = port }],
    [for cidr in var.endpoint_allowed_cidrs : { cidr = cidr, port = 6443 }],
  )
  worker_egress = [
    { cidr = local.internet, port = 443 },
    { cidr = local.internet, port = 80 },
    { cidr = local.endpoint_cidr, port = 6443 },
    { cidr = local.endpoint_cidr, port = 12250 },
  ]
}

data "oci_core_services" "all" {
  count = local.new_network

  filter {
    name   = "name"
    values = ["All .* Services In Oracle Services Network"]
    regex  = true
  }
}

resource "oci_core_vcn" "new" {
  count = local.new_network

  compartment_id = var.compartment_ocid
  cidr_blocks    = [var.vcn_cidr]
  display_name   = var.cluster_name
  dns_label      = "falco"
}

resource "oci_core_nat_gateway" "new" {
  count = local.new_network

  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.new[0].id
  display_name   = "${var.cluster_name}-nat"
}

resource "oci_core_service_gateway" "new" {
  count = local.new_network

  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.new[0].id
  display_name   = "${var.cluster_name}-services"

  services {
    service_id = data.oci_core_services.all[0].services[0].id
  }
}

resource "oci_core_internet_gateway" "new" {
  count = local.public

  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.new[0].id
  display_name   = "${var.cluster_name}-internet"
}

resource "oci_core_route_table" "private" {
  count = local.new_network

  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.new[0].id
  display_name   = "${var.cluster_name}-private"

  route_rules {
    destination       = local.internet
    destination_type  = "CIDR_BLOCK"
    network_entity_id = oci_core_nat_gateway.new[0].id
  }

  route_rules {
    destination       = data.oci_core_services.all[0].services[0].cidr_block
    destination_type  = "SERVICE_CIDR_BLOCK"
    network_entity_id = oci_core_service_gateway.new[0].id
  }
}

resource "oci_core_route_table" "public" {
  count = local.public

  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.new[0].id
  display_name   = "${var.cluster_name}-public"

  route_rules {
    destination       = local.internet
    destination_type  = "CIDR_BLOCK"
    network_entity_id = oci_core_internet_gateway.new[0].id
  }
}

resource "oci_core_security_list" "endpoint" {
  count = local.new_network

  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.new[0].id
  display_name   = "${var.cluster_name}-endpoint"

  dynamic "ingress_security_rules" {
    for_each = local.endpoint_ingress
    content {
      source   = ingress_security_rules.value.cidr
      protocol = local.tcp
      tcp_options {
        min = ingress_security_rules.value.port
        max = ingress_security_rules.value.port
      }
    }
  }

  # Path MTU discovery.
  ingress_security_rules {
    source   = local.worker_cidr
    protocol = local.icmp
    icmp_options {
      type = 3
      code = 4
    }
  }

  egress_security_rules {
    destination      = data.oci_core_services.all[0].services[0].cidr_block
    destination_type = "SERVICE_CIDR_BLOCK"
    protocol         = local.tcp
    tcp_options {
      min = 443
      max = 443
    }
  }

  egress_security_rules {
    destination = local.worker_cidr
    protocol    = local.tcp
  }

  egress_security_rules {
    destination = local.worker_cidr
    protocol    = local.icmp
    icmp_options {
      type = 3
      code = 4
    }
  }
}

resource "oci_core_security_list" "workers" {
  count = local.new_network

  compartment_id = var.compartment_ocid
  vcn_id         = oci_core_vcn.new[0].id
  display_name   = "${var.cluster_name}-workers"

  # Pods of one node reach those of another.
  ingress_security_rules {
    source   = local.worker_cidr
    protocol = "all"
  }

  ingress_security_rules {
    source   = local.endpoint_cidr
    protocol = local.tcp
  }

  ingress_security_rules {
    source   = local.internet
    protocol = local.icmp
    icmp_options {
      type = 3
      code = 4
    }
  }

  egress_security_rules {
    destination = local.worker_cidr
    protocol    = "all"
  }

  egress_security_rules {
    destination      = data.oci_core_services.all[0].services[0].cidr_block
    destination_type = "SERVICE_CIDR_BLOCK"
    protocol         = local.tcp
  }

  dynamic "egress_security_rules" {
    for_each = local.worker_egress
    content {
      destination = egress_security_rules.value.cidr
      protocol    = local.tcp
      tcp_options {
        min = egress_security_rules.value.port
        max = egress_security_rules.value.port
      }
    }
  }

  egress_security_rules {
    destination = local.internet
    protocol    = local.icmp
    icmp_options {
      type = 3
      code = 4
    }
  }
}

resource "oci_core_subnet" "endpoint" {
  count = local.new_network

  compartment_id             = var.compartment_ocid
  vcn_id                     = oci_core_vcn.new[0].id
  cidr_block                 = local.endpoint_cidr
  display_name               = "${var.cluster_name}-endpoint"
  dns_label                  = "endpoint"
  prohibit_public_ip_on_vnic = !var.public_endpoint
  route_table_id             = var.public_endpoint ? oci_core_route_table.public[0].id : oci_core_route_table.private[0].id
  security_list_ids          = [oci_core_security_list.endpoint[0].id]
}

resource "oci_core_subnet" "workers" {
  count = local.new_network

  compartment_id             = var.compartment_ocid
  vcn_id                     = oci_core_vcn.new[0].id
  cidr_block                 = local.worker_cidr
  display_name               = "${var.cluster_name}-workers"
  dns_label                  = "workers"
  prohibit_public_ip_on_vnic = true
  route_table_id             = oci_core_route_table.private[0].id
  security_list_ids          = [oci_core_security_list.workers[0].id]
}
