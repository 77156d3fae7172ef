/**
 * The server's settings, given on its command line, so that an upgrade of the service brings its
 * own and nothing has to be edited in the data directory.
 */
export const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  // What has been acknowledged is on disk.
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',

  shared_buffers: '128MB',
  max_connections: '100',
  // Reports must not take both cores from calls; short statements only lose time to the compiler.
  max_parallel_workers_per_gather: '0',
  jit: 'off',

  // The outbox and its lanes turn over much faster than the defaults expect (20 % of a table, once
  // a minute): a backlog without statistics was planned 180 times slower.
  autovacuum_naptime: '10s',
  autovacuum_vacuum_scale_factor: '0.05',
  autovacuum_analyze_scale_factor: '0.02',
  autovacuum_vacuum_cost_delay: '1ms',

  // A service that was killed while it waited for a lock must not keep its place in the queue.
  client_connection_check_interval: '2s',

  timezone: 'UTC',
  log_timezone: 'UTC',
  // Terse leaves out the details of an error, which repeat values: numbers of callers, keys.
  log_error_verbosity: 'terse',
  log_parameter_max_length: '0',
  log_checkpoints: 'off',
  cluster_name: 'bridgeback',
}
