import type { Registry } from './registry.ts';

/** What every exporter tells of its process, by the names that Prometheus' own clients use. */
export function processMetrics(registry: Registry): void {
  const cpu = registry
    .counter('process_cpu_seconds_total', { doc: 'CPU time of the process, user and system.', unit: 's' })
    .with();
  const resident = registry
    .gauge('process_resident_memory_bytes', { doc: 'Resident memory of the process.', unit: 'By' })
    .with();
  const heap = registry.gauge('nodejs_heap_size_used_bytes', { doc: 'Used heap of the process.', unit: 'By' }).with();
  registry
    .gauge('process_start_time_seconds', { doc: 'Start of the process, in seconds since 1970.', unit: 's' })
    .with()
    .set(Date.now() / 1_000 - process.uptime());
  let told = 0;
  registry.onCollect(() => {
    const { user, system } = process.cpuUsage();
    const seconds = (user + system) / 1e6;
    cpu.add(seconds - told);
    told = seconds;
    const { rss, heapUsed } = process.memoryUsage();
    resident.set(rss);
    heap.set(heapUsed);
  });
}
