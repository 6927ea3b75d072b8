#include "load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

unsigned char pattern[PATTERN_BYTES * 2];
char scratch[SCRATCH_BYTES];

_Noreturn void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* xorshift64: incompressible, and the same in every run. */
void pattern_fill(void) {
    uint64_t x = 0x9e3779b97f4a7c15ull;
    for (unsigned i = 0; i < PATTERN_BYTES; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        pattern[i] = pattern[i + PATTERN_BYTES] = (unsigned char)(x >> 32);
    }
}

#define LINK_NETWORK 0xc6120000u /* 198.18.0.0/30 */

/* A tool that can open 60,000 connections a run must not be pointed at somebody else's machine. */
struct sockaddr_in loopback_address(const char *text) {
    char host[INET_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host) die("%s is not an IPv4 address and port", text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die("%s is not an IPv4 address and port", text);
    uint32_t number = ntohl(address.sin_addr.s_addr);
    bool is_link = number >> 2 == LINK_NETWORK >> 2; /* ours: link.c gives them to namespaces that nothing routes to */
    if (number >> 24 != 127 && !is_link) die("%s is not a loopback address: refused", text);
    return address;
}

void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void end_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGTERM); }

void no_delay(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

const char *header_value(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line[2] && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) || line[2 + length] != ':') continue;
        const char *value = line + 3 + length;
        while (*value == ' ') value++;
        return value;
    }
    return NULL;
}
