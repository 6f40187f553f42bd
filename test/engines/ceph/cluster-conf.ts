/**
 * Settings of a Ceph that lives as long as a test run: loopback, one OSD in memory, one copy, no authentication between its
 * parts, and as little of everything else as it starts with.
 */
export interface ClusterPlaces {
  readonly folder: string;
  readonly fsid: string;
  readonly monitorPort: number;
  readonly gatewayPorts: readonly number[];
  /** Of plugins, where the packages were unpacked and not installed. */
  readonly libraries: string | undefined;
}

export function clusterConf({ folder, fsid, monitorPort, gatewayPorts, libraries }: ClusterPlaces): string {
  return `[global]
fsid = ${fsid}
mon_host = v2:127.0.0.1:${monitorPort}
ms_bind_ipv4 = true
ms_bind_ipv6 = false
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_cluster_mode = crc
ms_mon_service_mode = crc
ms_mon_client_mode = crc
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
run_dir = ${folder}
admin_socket = ${folder}/$name.asok
log_file = ${folder}/$name.log
log_to_stderr = false
pid_file =
crash_dir = ${folder}
${
  libraries === undefined
    ? ''
    : `plugin_dir = ${libraries}/ceph
erasure_code_dir = ${libraries}/ceph/erasure-code
osd_class_dir = ${libraries}/rados-classes`
}
[mon]
mon_data = ${folder}/mon
mon_data_avail_warn = 1
mon_data_avail_crit = 1
mon_cluster_log_file = ${folder}/cluster.log
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
mon_osd_initial_require_min_compat_client = luminous
auth_allow_insecure_global_id_reclaim = true
[osd]
osd_data = ${folder}/osd0
osd_objectstore = memstore
memstore_device_bytes = 4294967296
osd_class_load_list = *
osd_class_default_list = *
osd_crush_initial_weight = 1
osd_op_num_shards = 2
osd_op_num_threads_per_shard = 1
[client]
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_enable_quota_threads = false
rgw_run_sync_thread = false
rgw_thread_pool_size = 64
rgw_override_bucket_index_max_shards = 1
rgw_data_log_num_shards = 1
rgw_gc_max_objs = 1
rgw_lc_max_objs = 1
rgw_usage_max_shards = 1
rgw_usage_max_user_shards = 1
rgw_max_objs_per_shard = 10000000
rgw_dynamic_resharding = false
rgw_dns_name = localhost
rgw_verify_ssl = false
rgw_crypt_require_ssl = false
rgw_crypt_s3_kms_backend = testing
rgw_crypt_s3_kms_encryption_keys = test-key=YmluCmJvb3N0CmJvb3N0LWJ1aWxkCmNlcGguY29uZgo=
rgw_data = ${folder}
rgw_num_control_oids = 1
rgw_md_log_max_shards = 1
rgw_s3_auth_use_sts = false
${gatewayPorts
  .map((port, at) => `[client.rgw${at}]\nrgw_frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1`)
  .join('\n')}
`;
}
