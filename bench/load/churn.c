/* Short connections that end in every way a client ends: what must leave nothing behind in a proxy.
 *
 *   load churn --proxy 127.0.0.1:PORT --target HOST:PORT --user USER:PASSWORD --count N [--parallel P]
 *
 * The kinds below take turns, in CONNECT, absolute form and SOCKS5. Every answer is checked: a good request gets its whole body, a bad one
 * a refusal, and whatever else happens is counted as unexpected. Prints one JSON object with the counts by kind.
 *
 * Threads with blocking sockets: nothing here is a measurement. Limits: 10 s a step, PARALLEL_MAX connections at once.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PARALLEL_MAX 128
#define STEP_S 10
#define ANSWER_BYTES 1024
#define LONG_ANSWER_BYTES (4u << 20)
#define SOURCES 250
#define GOOD_NETWORK 0x7f020000u /* 127.2.0.0: customers */
#define BAD_NETWORK 0x7f030000u  /* 127.3.0.0: those who guess, elsewhere, so that a lockout of theirs is not ours */

enum protocol { PROTOCOL_CONNECT, PROTOCOL_ABSOLUTE, PROTOCOL_SOCKS5, PROTOCOLS };

enum end_kind {
    END_GOOD,
    END_WRONG_PASSWORD,
    END_BAD_USERNAME,
    END_BLOCKED_PORT,
    END_PRIVATE_ADDRESS,
    END_BEFORE_HEAD,
    END_HALF_HEAD,
    END_WHILE_OPENING,
    END_RESET_IN_TRANSFER,
    END_RESET_IN_UPLOAD,
    END_HALF_CLOSE,
    END_GARBAGE,
    END_KINDS
};

static const char *const KIND_NAMES[] = {"good",          "wrongPassword", "badUsername",     "blockedPort",   "privateAddress", "beforeHead",
                                         "halfHead",      "whileOpening",  "resetInTransfer", "resetInUpload", "halfClose",      "garbage"};

static struct {
    struct sockaddr_in proxy;
    const char *target, *credentials;
    char wrong_password[400], bad_username[400];
    int count, parallel;
} plan;

static atomic_int next_index;
static atomic_ulong done_by_kind[END_KINDS], unexpected_by_kind[END_KINDS];
static pthread_mutex_t first_lock = PTHREAD_MUTEX_INITIALIZER;
static char first_unexpected[160];

static void note(enum end_kind kind, enum protocol protocol, const char *what) {
    unexpected_by_kind[kind]++;
    pthread_mutex_lock(&first_lock);
    if (!*first_unexpected) {
        snprintf(first_unexpected, sizeof first_unexpected, "%s over protocol %d: %.100s", KIND_NAMES[kind], (int)protocol, what);
        for (char *at = first_unexpected; *at; at++)
            if (*at < ' ' || *at == '"' || *at == '\\') *at = '\'';
    }
    pthread_mutex_unlock(&first_lock);
}

static int dial(uint32_t network, int index) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct timeval limit = {STEP_S, 0};
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(network + 1 + (uint32_t)index % SOURCES)};
    if (fd < 0) die("socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    no_delay(fd);
    if (bind(fd, (struct sockaddr *)&source, sizeof source) || connect(fd, (struct sockaddr *)&plan.proxy, sizeof plan.proxy)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void reset(int fd) {
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

/* Reads until a blank line; returns the bytes that are in `into`, NUL-terminated, or -1. */
static int read_head(int fd, char *into, int size) {
    int length = 0;
    while (length < size - 1) {
        ssize_t n = recv(fd, into + length, (size_t)(size - 1 - length), 0);
        if (n <= 0) return -1;
        length += (int)n;
        into[length] = 0;
        if (strstr(into, "\r\n\r\n")) return length;
    }
    return -1;
}

static bool read_exactly(int fd, void *into, size_t length) { return recv(fd, into, length, MSG_WAITALL) == (ssize_t)length; }

static bool read_body(int fd, const char *head, int length, uint64_t wanted) {
    const char *body = strstr(head, "\r\n\r\n") + 4;
    uint64_t at = (uint64_t)(length - (body - head));
    if (atoi(head + 9) != 200 || at > wanted || memcmp(body, pattern, at)) return false;
    char chunk[16384];
    while (at < wanted) {
        ssize_t n = recv(fd, chunk, wanted - at < sizeof chunk ? (size_t)(wanted - at) : sizeof chunk, 0);
        if (n <= 0 || memcmp(chunk, pattern + at % PATTERN_BYTES, (size_t)n)) return false;
        at += (uint64_t)n;
    }
    return true;
}

static void encode(const char *text, char *out) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0, length = strlen(text); i < length; i += 3) {
        unsigned bits = 0, left = length - i < 3 ? (unsigned)(length - i) : 3;
        for (unsigned k = 0; k < 3; k++) bits = bits << 8 | (k < left ? (unsigned char)text[i + k] : 0);
        for (unsigned k = 0; k < 4; k++) *out++ = k <= left ? letters[bits >> (18 - 6 * k) & 63] : '=';
    }
    *out = 0;
}

/* What opens a tunnel, or asks in absolute form. */
static int http_head(char *out, size_t size, enum protocol protocol, const char *target, const char *credentials, const char *path) {
    char encoded[600];
    encode(credentials, encoded);
    return protocol == PROTOCOL_CONNECT
               ? snprintf(out, size, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic %s\r\n\r\n", target, target, encoded)
               : snprintf(out, size, "GET http://%s%s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic %s\r\n\r\n", target, path, target,
                          encoded);
}

static int socks_head(unsigned char *out, const char *target) {
    const char *colon = strrchr(target, ':');
    char host[256];
    struct in_addr address;
    unsigned port = (unsigned)atoi(colon + 1);
    snprintf(host, sizeof host, "%.*s", (int)(colon - target), target);
    if (inet_pton(AF_INET, host, &address) != 1) die("%s is not an IPv4 address", host);
    memcpy(out, (unsigned char[]){5, 1, 0, 1}, 4);
    memcpy(out + 4, &address, 4);
    out[8] = (unsigned char)(port >> 8);
    out[9] = (unsigned char)port;
    return 10;
}

/* SOCKS5 up to the password's verdict. 0: let in, else refused; -1: neither. */
static int socks_sign_in(int fd, const char *credentials) {
    unsigned char out[600], in[2];
    const char *colon = strchr(credentials, ':');
    size_t user = (size_t)(colon - credentials), secret = strlen(colon + 1);
    if (send(fd, (unsigned char[]){5, 1, 2}, 3, MSG_NOSIGNAL) != 3 || !read_exactly(fd, in, 2) || in[1] != 2) return -1;
    out[0] = 1;
    out[1] = (unsigned char)user;
    memcpy(out + 2, credentials, user);
    out[2 + user] = (unsigned char)secret;
    memcpy(out + 3 + user, colon + 1, secret);
    if (send(fd, out, 3 + user + secret, MSG_NOSIGNAL) < 0 || !read_exactly(fd, in, 2)) return -1;
    return in[1];
}

/* A tunnel that is up. 0, the SOCKS5 or HTTP code of a refusal, or -1. */
static int open_tunnel(int fd, enum protocol protocol, const char *target, const char *credentials) {
    char text[2048];
    if (protocol == PROTOCOL_SOCKS5) {
        unsigned char reply[10];
        int verdict = socks_sign_in(fd, credentials);
        if (verdict) return verdict;
        int length = socks_head((unsigned char *)text, target);
        if (send(fd, text, (size_t)length, MSG_NOSIGNAL) < 0 || !read_exactly(fd, reply, 10)) return -1;
        return reply[1];
    }
    int length = http_head(text, sizeof text, protocol, target, credentials, "/b/1024");
    if (send(fd, text, (size_t)length, MSG_NOSIGNAL) < 0 || read_head(fd, text, sizeof text) < 0) return -1;
    return atoi(text + 9) == 200 ? 0 : atoi(text + 9);
}

/* Sends a GET for `bytes`, through a tunnel that it opens first where the protocol has one. False when there was no way in. */
static bool ask(int fd, enum protocol protocol, unsigned bytes) {
    char text[2048], path[32];
    snprintf(path, sizeof path, "/b/%u", bytes);
    if (protocol != PROTOCOL_ABSOLUTE && open_tunnel(fd, protocol, plan.target, plan.credentials)) return false;
    int length = protocol == PROTOCOL_ABSOLUTE ? http_head(text, sizeof text, protocol, plan.target, plan.credentials, path)
                                               : snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, plan.target);
    return send(fd, text, (size_t)length, MSG_NOSIGNAL) == length;
}

static bool end_good(int fd, enum protocol protocol, bool half_closes) {
    char text[4096];
    unsigned bytes = half_closes ? 64 * 1024 : ANSWER_BYTES;
    if (!ask(fd, protocol, bytes)) return false;
    if (half_closes) shutdown(fd, SHUT_WR);
    int length = read_head(fd, text, sizeof text);
    return length > 0 && read_body(fd, text, length, bytes);
}

static bool is_refusal(int code, enum protocol protocol) {
    return protocol == PROTOCOL_SOCKS5 ? code > 0 : code >= 400 && code < 600;
}

static bool end_in_transfer(int fd, enum protocol protocol) {
    char chunk[16384];
    return ask(fd, protocol, LONG_ANSWER_BYTES) && recv(fd, chunk, sizeof chunk, 0) > 0;
}

static bool end_in_upload(int fd, enum protocol protocol) {
    char text[2048], encoded[600];
    encode(plan.credentials, encoded);
    if (protocol != PROTOCOL_ABSOLUTE && open_tunnel(fd, protocol, plan.target, plan.credentials)) return false;
    bool is_absolute = protocol == PROTOCOL_ABSOLUTE;
    int length = snprintf(text, sizeof text, "POST %s%s/u HTTP/1.1\r\nHost: %s\r\n%s%s%sContent-Length: 4194304\r\n\r\n",
                          is_absolute ? "http://" : "", is_absolute ? plan.target : "", plan.target,
                          is_absolute ? "Proxy-Authorization: Basic " : "", is_absolute ? encoded : "", is_absolute ? "\r\n" : "");
    return send(fd, text, (size_t)length, MSG_NOSIGNAL) == length && send(fd, pattern, 65536, MSG_NOSIGNAL) > 0;
}

/* Half of what the protocol begins with, or all of it and no wait for the answer. */
static bool send_beginning(int fd, enum protocol protocol, bool is_half) {
    char text[2048];
    if (protocol == PROTOCOL_SOCKS5) {
        if (is_half) return send(fd, (unsigned char[]){5, 2, 0}, 3, MSG_NOSIGNAL) == 3;
        if (socks_sign_in(fd, plan.credentials)) return false;
        int length = socks_head((unsigned char *)text, plan.target);
        return send(fd, text, (size_t)length, MSG_NOSIGNAL) == length;
    }
    int length = http_head(text, sizeof text, protocol, plan.target, plan.credentials, "/b/1024");
    if (is_half) length /= 2;
    return send(fd, text, (size_t)length, MSG_NOSIGNAL) == length;
}

static bool send_garbage(int fd) {
    char text[512];
    ssize_t n = send(fd, pattern + 1, 700, MSG_NOSIGNAL);
    while (n > 0) n = recv(fd, text, sizeof text, 0);
    return n == 0 || errno == ECONNRESET || errno == EPIPE; /* closed, not left hanging */
}

static bool play(int fd, enum end_kind kind, enum protocol protocol) {
    switch (kind) {
    case END_GOOD: return end_good(fd, protocol, false);
    case END_HALF_CLOSE: return end_good(fd, protocol, true);
    case END_WRONG_PASSWORD: return is_refusal(open_tunnel(fd, protocol, plan.target, plan.wrong_password), protocol);
    case END_BAD_USERNAME: return is_refusal(open_tunnel(fd, protocol, plan.target, plan.bad_username), protocol);
    case END_BLOCKED_PORT: return is_refusal(open_tunnel(fd, protocol, "8.8.8.8:25", plan.credentials), protocol);
    case END_PRIVATE_ADDRESS: return is_refusal(open_tunnel(fd, protocol, "10.0.0.1:80", plan.credentials), protocol);
    case END_HALF_HEAD: return send_beginning(fd, protocol, true);
    case END_WHILE_OPENING: return send_beginning(fd, protocol, false);
    case END_RESET_IN_TRANSFER: return end_in_transfer(fd, protocol);
    case END_RESET_IN_UPLOAD: return end_in_upload(fd, protocol);
    case END_GARBAGE: return send_garbage(fd);
    default: return true;
    }
}

static void *churn(void *argument) {
    (void)argument;
    for (int i; (i = next_index++) < plan.count;) {
        enum end_kind kind = (enum end_kind)(i % END_KINDS);
        enum protocol protocol = (enum protocol)(i / END_KINDS % PROTOCOLS);
        bool is_bad = kind == END_WRONG_PASSWORD || kind == END_BAD_USERNAME || kind == END_GARBAGE;
        int fd = dial(is_bad ? BAD_NETWORK : GOOD_NETWORK, i);
        if (fd < 0) {
            note(kind, protocol, "the proxy did not accept");
            continue;
        }
        errno = 0;
        bool is_expected = play(fd, kind, protocol);
        if (is_expected)
            done_by_kind[kind]++;
        else
            note(kind, protocol, errno == EAGAIN ? "no answer in time" : "another answer than expected");
        bool resets = kind == END_WHILE_OPENING || kind == END_RESET_IN_TRANSFER || kind == END_RESET_IN_UPLOAD || (kind == END_BEFORE_HEAD && i & 1);
        if (resets)
            reset(fd);
        else
            close(fd);
    }
    return NULL;
}

enum { O_PROXY = 1, O_TARGET, O_USER, O_COUNT, O_PARALLEL };
static const struct option OPTIONS[] = {{"proxy", 1, 0, O_PROXY}, {"target", 1, 0, O_TARGET},     {"user", 1, 0, O_USER},
                                        {"count", 1, 0, O_COUNT}, {"parallel", 1, 0, O_PARALLEL}, {0}};

static void read_plan(int argc, char **argv) {
    const char *proxy = NULL;
    plan.parallel = 32;
    for (int o; (o = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) switch (o) {
        case O_PROXY: proxy = optarg; break;
        case O_TARGET: plan.target = optarg; break;
        case O_USER: plan.credentials = optarg; break;
        case O_COUNT: plan.count = atoi(optarg); break;
        case O_PARALLEL: plan.parallel = atoi(optarg); break;
        default: die("an option is wrong");
        }
    if (!proxy || !plan.target || !plan.credentials) die("--proxy, --target and --user are needed");
    if (plan.count < 1 || plan.parallel < 1 || plan.parallel > PARALLEL_MAX) die("a number is out of range");
    const char *colon = strchr(plan.credentials, ':');
    if (!colon || strlen(plan.credentials) > 300) die("--user takes USER:PASSWORD of at most 300 bytes");
    plan.proxy = loopback_address(proxy);
    loopback_address(plan.target);
    /* One letter off; and a word that no username's grammar has. */
    snprintf(plan.wrong_password, sizeof plan.wrong_password, "%sx", plan.credentials);
    snprintf(plan.bad_username, sizeof plan.bad_username, "%.*s-nosuchword-1%s", (int)(colon - plan.credentials), plan.credentials, colon);
}

int run_churn(int argc, char **argv) {
    pthread_t threads[PARALLEL_MAX];
    read_plan(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    end_with_parent();
    uint64_t from = now_ns();
    for (int i = 0; i < plan.parallel; i++)
        if (pthread_create(&threads[i], NULL, churn, NULL)) die("a thread could not start");
    for (int i = 0; i < plan.parallel; i++) pthread_join(threads[i], NULL);
    unsigned long unexpected = 0;
    printf("{\"connections\":%d,\"seconds\":%.2f,\"byKind\":{", plan.count, (double)(now_ns() - from) / 1e9);
    for (int i = 0; i < END_KINDS; i++) {
        printf("%s\"%s\":{\"asExpected\":%lu,\"unexpected\":%lu}", i ? "," : "", KIND_NAMES[i], done_by_kind[i], unexpected_by_kind[i]);
        unexpected += unexpected_by_kind[i];
    }
    printf("},\"unexpected\":%lu,\"firstUnexpected\":\"%s\"}\n", unexpected, first_unexpected);
    return unexpected ? 1 : 0;
}
