#include "load.h"

#include <inttypes.h>

/* Values below 64 have a bucket each; above, the top six bits after the leading one choose the step. */
static unsigned bucket_of(uint64_t ns) {
    if (ns < HISTOGRAM_STEPS) return (unsigned)ns;
    int exponent = 63 - __builtin_clzll(ns);
    unsigned bucket = (unsigned)(exponent - 5) * HISTOGRAM_STEPS + (unsigned)((ns >> (exponent - 6)) & (HISTOGRAM_STEPS - 1));
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t bucket_start(unsigned bucket) {
    if (bucket < HISTOGRAM_STEPS) return bucket;
    int exponent = (int)(bucket / HISTOGRAM_STEPS) + 5;
    return (1ull << exponent) + ((uint64_t)(bucket % HISTOGRAM_STEPS) << (exponent - 6));
}

void histogram_add(struct histogram *h, uint64_t ns) {
    h->buckets[bucket_of(ns)]++;
    h->count++;
    h->sum += (double)ns;
    if (ns > h->max) h->max = ns;
}

static double quantile_us(const struct histogram *h, double q) {
    uint64_t rank = (uint64_t)(q * (double)h->count), seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > rank) return (double)bucket_start(i) / 1e3;
    }
    return (double)h->max / 1e3;
}

void histogram_print(const char *name, const struct histogram *h) {
    printf(",\"%s\":{\"count\":%" PRIu64 ",\"mean\":%.1f,\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", name, h->count,
           h->count ? h->sum / (double)h->count / 1e3 : 0, quantile_us(h, 0.5), quantile_us(h, 0.99), quantile_us(h, 0.999),
           (double)h->max / 1e3);
}
