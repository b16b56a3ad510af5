// A managed_xsi_shared_memory with named objects, an array, a unique instance and raw bytes.
#include <boost/interprocess/managed_xsi_shared_memory.hpp>
#include <cstdio>

using namespace boost::interprocess;

struct Position {
    double x, y;
};

int main(int, char **argv) {
    xsi_key key(argv[1], 'b');
    managed_xsi_shared_memory memory(create_only, key, 65536);
    memory.construct<int>("answer")(42);
    memory.construct<Position>("position")();
    for (int i = 0; i < 20; i++) {
        char name[16];
        std::snprintf(name, sizeof name, "counter %d", i);
        memory.construct<unsigned long>(name)(1000 + i);
    }
    memory.construct<double>("ratios")[3](2.5);
    memory.construct<short>(unique_instance)(7);
    memory.allocate(100);
    memory.destroy<unsigned long>("counter 3");
    std::printf("key 0x%08x\nsize %zu\nfree %zu\n", (unsigned)key.get_key(), memory.get_size(),
                memory.get_free_memory());
    for (auto at = memory.named_begin(); at != memory.named_end(); ++at)
        std::printf("named %s\n", at->name());
    for (auto at = memory.unique_begin(); at != memory.unique_end(); ++at)
        std::printf("unique %s\n", at->name());
    std::puts("ready");
    std::fflush(stdout);
    std::getchar();
}
