#include "load.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double ticks_to_s(double ticks) { return ticks / (double)sysconf(_SC_CLK_TCK); }

static void add_memory(int pid, struct usage *u) {
    char path[64], line[256];
    long kb;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "VmRSS: %ld", &kb) == 1) u->rss_kb += kb;
        if (sscanf(line, "RssAnon: %ld", &kb) == 1) u->anon_kb += kb;
    }
    if (f) fclose(f);
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Pss: %ld", &kb) == 1) u->pss_kb += kb;
    if (f) fclose(f);
}

/* CPU of a process and its threads; with its family also that of the children it has already waited for. */
static bool add_cpu(int pid, struct usage *u, bool is_family) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    char *fields = strrchr(text, ')'); /* a program's name may hold spaces and brackets */
    unsigned long user, system;
    long waited_user, waited_system;
    if (!fields || sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &user, &system, &waited_user,
                          &waited_system) != 4)
        return false;
    u->cpu_s += ticks_to_s((double)(user + system) + (is_family ? (double)(waited_user + waited_system) : 0));
    return true;
}

static void add_process(int pid, struct usage *u, bool with_memory, bool is_family) {
    if (!add_cpu(pid, u, is_family)) return;
    u->processes++;
    if (with_memory) add_memory(pid, u);
    if (!is_family) return;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    struct dirent *task;
    while (tasks && (task = readdir(tasks))) {
        if (!isdigit((unsigned char)task->d_name[0])) continue;
        char children[400];
        snprintf(children, sizeof children, "%s/%s/children", path, task->d_name);
        FILE *f = fopen(children, "r");
        int child;
        while (f && fscanf(f, "%d", &child) == 1) add_process(child, u, with_memory, true);
        if (f) fclose(f);
    }
    if (tasks) closedir(tasks);
}

void groups_add(struct group_list *list, const char *text, bool is_family) {
    const char *equals = strchr(text, '=');
    if (!equals || list->count == GROUPS_MAX) die("--account takes NAME=PID, at most %d times", GROUPS_MAX);
    struct group *g = &list->groups[list->count++];
    snprintf(g->name, sizeof g->name, "%.*s", (int)(equals - text), text);
    g->is_family = is_family;
    for (char *at = (char *)equals + 1; *at && g->pid_count < GROUP_PIDS_MAX;) {
        char *end;
        int pid = (int)strtol(at, &end, 10);
        if (end == at || pid <= 0) die("--account takes NAME=PID, not %s", text);
        g->pids[g->pid_count++] = pid;
        at = *end == '+' ? end + 1 : end;
    }
}

void groups_sample(const struct group_list *list, struct usage *out, bool with_memory) {
    for (int i = 0; i < list->count; i++) {
        out[i] = (struct usage){0};
        const struct group *g = &list->groups[i];
        for (int k = 0; k < g->pid_count; k++) add_process(g->pids[k], &out[i], with_memory, g->is_family);
    }
}

void groups_print_memory(const char *name, const struct group_list *list, const struct usage *at) {
    printf(",\"%s\":{", name);
    for (int i = 0; i < list->count; i++)
        printf("%s\"%s\":{\"processes\":%d,\"rssKb\":%ld,\"anonKb\":%ld,\"pssKb\":%ld}", i ? "," : "", list->groups[i].name,
               at[i].processes, at[i].rss_kb, at[i].anon_kb, at[i].pss_kb);
    printf("}");
}

void groups_print_cpu(const char *name, const struct group_list *list, const struct usage *from, const struct usage *to, double divisor) {
    printf(",\"%s\":{", name);
    for (int i = 0; i < list->count; i++)
        printf("%s\"%s\":%.4f", i ? "," : "", list->groups[i].name, divisor > 0 ? (to[i].cpu_s - from[i].cpu_s) / divisor : 0);
    printf("}");
}

struct machine_cpu machine_sample(void) {
    double v[8] = {0}; /* user nice system idle iowait irq softirq steal */
    FILE *f = fopen("/proc/stat", "r");
    if (f && fscanf(f, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) != 8) v[0] = 0;
    if (f) fclose(f);
    double all = 0;
    for (int i = 0; i < 8; i++) all += v[i];
    return (struct machine_cpu){ticks_to_s(all - v[3] - v[4]), ticks_to_s(v[7]), ticks_to_s(all)};
}

double self_cpu_s(void) {
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}
