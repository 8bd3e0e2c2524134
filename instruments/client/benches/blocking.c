/* Both ends of ci/client-cost in blocking C: the server that all clients ask,
 * and the client that the others are compared with.
 *
 *   blocking serve             prints its port; a thread for each connection
 *   blocking query PORT N      median and p99 of N queries, in microseconds
 *   blocking block PORT N      rate of N blocks, in GB/s
 *
 * The server answers a line with that line, and DATA? with a block of 4 MB. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BODY 4000000
#define HEADER "#74000000"
#define BLOCK (sizeof HEADER - 1 + BODY + 1)

static char block[BLOCK], in[BLOCK];

static void fail(const char *what) { perror(what); exit(1); }

static void write_all(int fd, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t k = send(fd, bytes, n, MSG_NOSIGNAL);
        if (k <= 0) pthread_exit(NULL);
        bytes += k;
        n -= k;
    }
}

static void *answer(void *arg) {
    int fd = (int)(intptr_t)arg;
    char line[4096];
    size_t have = 0;
    for (;;) {
        ssize_t n = recv(fd, line + have, sizeof line - have, 0);
        if (n <= 0) break;
        have += n;
        char *end = memchr(line, '\n', have);
        if (!end) continue;
        if (strncmp(line, "DATA?", 5) == 0) write_all(fd, block, BLOCK);
        else write_all(fd, line, have);
        have = 0;
    }
    close(fd);
    return NULL;
}

static int serve(void) {
    memcpy(block, HEADER, sizeof HEADER - 1);
    for (size_t i = 0; i < BODY; i++) block[sizeof HEADER - 1 + i] = (char)(i * 31 >> 3);
    block[BLOCK - 1] = '\n';
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof at;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, length) || listen(listener, 128) || getsockname(listener, (struct sockaddr *)&at, &length)) fail("listen");
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) fail("accept");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        pthread_t thread;
        if (pthread_create(&thread, NULL, answer, (void *)(intptr_t)fd)) fail("thread");
        pthread_detach(thread);
    }
}

static int dial(int port) {
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at)) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* One question and its reply up to the line feed. */
static void ask(int fd, const char *query, size_t expected) {
    size_t have = 0;
    if (send(fd, query, strlen(query), 0) < 0) fail("send");
    do {
        ssize_t n = recv(fd, in + have, sizeof in - have, 0);
        if (n <= 0) fail("recv");
        have += n;
    } while (in[have - 1] != '\n' || have < expected);
    if (have != expected) fail("reply");
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
    if (argc != 4) return 2;
    int fd = dial(atoi(argv[2])), n = atoi(argv[3]);
    double *took = calloc(n, sizeof *took);
    int blocks = strcmp(argv[1], "block") == 0;
    for (int i = -n / 10 - 1; i < n; i++) {
        double begun = now();
        if (blocks) ask(fd, "DATA?\n", BLOCK);
        else ask(fd, "MEAS:VOLT?\n", 11);
        if (i >= 0) took[i] = now() - begun;
    }
    qsort(took, n, sizeof *took, ascending);
    if (blocks) printf("%.3f\n", 1e-9 * BODY / took[n / 2]);
    else printf("%.2f %.2f\n", 1e6 * took[n / 2], 1e6 * took[n * 99 / 100]);
    return 0;
}
