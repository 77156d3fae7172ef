/**
 * The numbers of this program's advisory locks, each another one: here, since they are only different from one another
 * where all can be seen. Months are made and dropped under `hashtext('bridgeback.partitions')`.
 */
export const ADVISORY_LOCKS = {
  migrations: 7_264_001_115,
  configuration: 7_264_001_116,
  apiKeys: 7_264_001_117,
  anchors: 7_264_001_118,
} as const
