import { readdirSync, statSync } from 'node:fs';
import { DescriptorBudget } from '@outrigger/core';
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
  registry
    .gauge('process_max_fds', { doc: 'File descriptors that the process may have open.' })
    .with()
    .set(new DescriptorBudget().limit);
  const descriptors =
    process.platform === 'linux' &&
    registry.gauge('process_open_fds', { doc: 'File descriptors that are open.' }).with();
  const external = registry
    .gauge('nodejs_external_memory_bytes', { doc: 'Memory of buffers and the like, outside the heap.', unit: 'By' })
    .with();
  const total = registry
    .gauge('nodejs_heap_size_total_bytes', { doc: 'Heap that the process has taken.', unit: 'By' })
    .with();
  let told = 0;
  registry.onCollect(() => {
    const { user, system } = process.cpuUsage();
    const seconds = (user + system) / 1e6;
    cpu.add(seconds - told);
    told = seconds;
    const memory = process.memoryUsage();
    resident.set(memory.rss);
    heap.set(memory.heapUsed);
    total.set(memory.heapTotal);
    external.set(memory.external);
    if (descriptors) descriptors.set(openDescriptors());
  });
}

/** Linux tells their number as the size of the folder (from 6.2 on): to list a hundred thousand would hold up the event loop. */
function openDescriptors(): number {
  const folder = '/proc/self/fd';
  return statSync(folder).size || readdirSync(folder).length;
}
