// A libcuda.so.1 without a GPU: as much of NVIDIA's driver as cuda.core and splatc call. Memory is the host's; launches go to kernels that
// the emulator compiled, in the library $FAKE_KERNELS. What it is to get wrong is said by the other $FAKE_... variables.

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

using Handle = void*;
using Result = int;  // CUresult

static long long setting(const char* name, long long usual) {
    const char* text = getenv(name);
    return text ? atoll(text) : usual;
}
static Handle kernels() {
    static Handle library = dlopen(getenv("FAKE_KERNELS"), RTLD_NOW | RTLD_LOCAL);
    return library;
}
static std::mutex lock;
static std::map<uint64_t, size_t> taken;
static char context, library_;
static thread_local Handle current = nullptr;

static long long taken_bytes() {
    long long sum = 0;
    for (auto& each : taken) sum += static_cast<long long>(each.second);
    return sum;
}
// A thread without a context can do nothing.
#define IN_CONTEXT \
    if (!current) return 201

struct LaunchConfig {
    unsigned extents[6], shared;
    Handle stream, attributes;
    unsigned count;
};

extern "C" {
Result cuGetProcAddress_v2(const char* name, Handle* function, int, uint64_t, int* status) {
    Handle found = nullptr;
    for (const char* suffix : {"_v2", ""})
        if (!found) found = dlsym(RTLD_DEFAULT, (std::string(name) + suffix).c_str());
    *function = found;
    if (status) *status = found ? 0 : 1;
    return found ? 0 : 500;
}
Result cuGetExportTable(const void**, const void*) { return 500; }  // NVRTC asks
Result cuGetErrorName(Result, const char** name) { return *name = "CUDA_ERROR_FAKE", 0; }
Result cuGetErrorString(Result, const char** text) { return *text = "as the test wants it", 0; }

Result cuInit(unsigned) { return int(setting("FAKE_INIT", 0)); }
Result cuDriverGetVersion(int* version) { return *version = int(setting("FAKE_VERSION", 13000)), 0; }
Result cuDeviceGetCount(int* count) { return *count = 1, 0; }
Result cuDeviceGet(int* device, int ordinal) { return *device = ordinal, 0; }
Result cuDeviceGetName(char* name, int size, int) { return strncpy(name, "Fake GPU", size_t(size)), 0; }
Result cuDeviceGetAttribute(int* value, int attribute, int) {
    int capability = int(setting("FAKE_CAPABILITY", 90));
    *value = attribute == 75 ? capability / 10 : attribute == 76 ? capability % 10 : 1;
    return 0;
}
Result cuDevicePrimaryCtxRetain(Handle* made, int) { return *made = &context, 0; }
Result cuDevicePrimaryCtxRelease(int) { return 0; }
Result cuCtxPushCurrent(Handle made) { return current = made, 0; }
Result cuCtxPopCurrent(Handle* popped) { return *popped = current, current = nullptr, 0; }
Result cuCtxSetCurrent(Handle made) { return current = made, 0; }
Result cuCtxGetCurrent(Handle* found) { return *found = current, 0; }
Result cuCtxGetDevice(int* device) {
    IN_CONTEXT;
    return *device = 0, 0;
}
Result cuCtxSynchronize() {
    IN_CONTEXT;
    return 0;
}

Result cuMemAlloc_v2(uint64_t* pointer, size_t size) {
    IN_CONTEXT;
    std::lock_guard<std::mutex> guard(lock);
    if (taken_bytes() + static_cast<long long>(size) > setting("FAKE_MEMORY", 1ll << 40)) return 2;
    *pointer = reinterpret_cast<uint64_t>(aligned_alloc(256, (size + 255) / 256 * 256));
    memset(reinterpret_cast<Handle>(*pointer), 0xff, size);
    taken[*pointer] = size;
    return 0;
}
Result cuMemFree_v2(uint64_t pointer) {
    IN_CONTEXT;
    std::lock_guard<std::mutex> guard(lock);
    if (!taken.erase(pointer)) return 1;
    free(reinterpret_cast<Handle>(pointer));
    return int(setting("FAKE_FREE", 0));
}
Result cuMemGetInfo_v2(size_t* free_bytes, size_t* total) {
    IN_CONTEXT;
    std::lock_guard<std::mutex> guard(lock);
    *total = size_t(setting("FAKE_MEMORY", 1ll << 40));
    return *free_bytes = *total - size_t(taken_bytes()), 0;
}
Result cuMemcpyHtoD_v2(uint64_t to, const void* from, size_t size) {
    IN_CONTEXT;
    return memcpy(reinterpret_cast<Handle>(to), from, size), 0;
}
Result cuMemcpyDtoH_v2(Handle to, uint64_t from, size_t size) {
    IN_CONTEXT;
    return memcpy(to, reinterpret_cast<Handle>(from), size), 0;
}
Result cuMemsetD8Async(uint64_t at, unsigned char value, size_t size, Handle) {
    IN_CONTEXT;
    return memset(reinterpret_cast<Handle>(at), value, size), 0;
}

Result cuLibraryLoadData(Handle* loaded, const void* code, Handle, Handle, unsigned, Handle, Handle, unsigned) {
    *loaded = &library_;
    return memcmp(code, "\x7f" "ELF", 4) ? 200 : 0;
}
Result cuLibraryUnload(Handle) { return 0; }
Result cuLibraryGetKernel(Handle* kernel, Handle, const char* name) {
    *kernel = dlsym(kernels(), (std::string("run_") + name).c_str());
    return *kernel ? 0 : 500;
}
Result cuLaunchKernelEx(const LaunchConfig* config, Handle kernel, void** arguments, void**) {
    IN_CONTEXT;
    if (long long error = setting("FAKE_LAUNCH", 0)) return int(error);
    reinterpret_cast<void (*)(const unsigned*, void**)>(kernel)(config->extents, arguments);
    return 0;
}
Result cuLaunchKernel(Handle kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                      Handle stream, void** arguments, void** extra) {
    LaunchConfig config = {{gx, gy, gz, bx, by, bz}, shared, stream, nullptr, 0};
    return cuLaunchKernelEx(&config, kernel, arguments, extra);
}
}
