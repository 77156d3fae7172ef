/** How much is logged, from the least to the most but for `silent`, which is nothing. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** What is less grave is left out. */
export type LogLevel = (typeof LOG_LEVELS)[number]
