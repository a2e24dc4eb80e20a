// SPDX-License-Identifier: Apache-2.0
// Signs of a hypervisor and of a container that an ordinary user can read.
#include "audit/machine.h"

namespace tickmlp::bench {
namespace {

struct Sign {
  const char* text;  // as the firmware tells it
  const char* name;
};
// Names that only virtual machines carry, in DMI's vendor or product. Clouds that also let whole machines (Amazon,
// Oracle, Microsoft) are not among them by their vendor.
constexpr Sign kFirmware[] = {{"QEMU", "qemu"},
                              {"KVM", "kvm"},
                              {"VMware", "vmware"},
                              {"VirtualBox", "virtualbox"},
                              {"innotek", "virtualbox"},
                              {"Xen", "xen"},
                              {"HVM domU", "xen"},
                              {"Bochs", "bochs"},
                              {"Parallels", "parallels"},
                              {"BHYVE", "bhyve"},
                              {"OpenStack", "openstack"},
                              {"KubeVirt", "kubevirt"},
                              {"Virtual Machine", "hyper-v"},
                              {"Apple Virtualization", "apple"},
                              {"Google Compute Engine", "google"}};
constexpr Sign kRuntimes[] = {{"docker", "docker"},         {"libpod", "podman"}, {"kubepods", "kubernetes"},
                              {"containerd", "containerd"}, {"lxc", "lxc"},       {"machine.slice", "systemd-nspawn"},
                              {"garden", "garden"}};

template <std::size_t kCount>
std::string name_in(const std::string& text, const Sign (&signs)[kCount]) {
  for (const Sign& sign : signs)
    if (text.find(sign.text) != std::string::npos) return sign.name;
  return "";
}

bool ends_in_metal(const std::string& product) {
  return product.find(".metal") != std::string::npos;  // c7g.metal, m5.metal-24xl
}

Virtualisation yes(const std::string& hypervisor, const std::string& sign) {
  return {Presence::kYes, hypervisor,
          "runs under a hypervisor" + (hypervisor.empty() ? "" : " (" + hypervisor + ")") + ": " + sign};
}

// A device tree's strings end in a zero byte each.
std::string device_tree(const Box& box, const std::string& property) {
  for (const char* folder : {"/proc/device-tree/", "/sys/firmware/devicetree/base/"})
    if (const auto text = box.read(folder + property)) return std::string(text->c_str());
  return "";
}

// 64-bit Arm has no flag for it.
Virtualisation arm(const Box& box, const std::string& vendor, const std::string& product) {
  const std::string below = device_tree(box, "hypervisor/compatible"), board = device_tree(box, "compatible");
  if (!below.empty()) return yes(below.substr(below.find(',') + 1), "the device tree names it");
  if (board == "linux,dummy-virt") return yes("", "the device tree describes a virtual board");
  if (vendor == "Amazon EC2") {
    if (ends_in_metal(product)) return {Presence::kNo, "", "a whole machine by its name, " + product};
    return yes("kvm", "an Amazon EC2 instance, " + product);
  }
  for (const std::string& device : box.list("/dev"))  // only a kernel that was started at EL2 offers it
    if (device == "kvm") return {Presence::kNo, "", "the kernel has the hypervisor's own level (/dev/kvm)"};
  return {Presence::kUnknown, "", "64-bit Arm without a sign of a hypervisor, nor of its absence (/dev/kvm)"};
}

}  // namespace

Virtualisation virtualisation(const Box& box) {
  const auto flags = box.line("/proc/cpuinfo", "flags");
  const std::string vendor = box.read("/sys/class/dmi/id/sys_vendor").value_or("");
  const std::string product = box.read("/sys/class/dmi/id/product_name").value_or("");
  const std::string type = box.read("/sys/hypervisor/type").value_or("");
  const std::string named = name_in(vendor + "\n" + product, kFirmware);
  if (!type.empty()) return yes(type, "/sys/hypervisor/type");
  if (flags && has_word(*flags, "hypervisor")) return yes(named, "the CPU's hypervisor flag");
  if (!named.empty()) return yes(named, "the firmware's name, " + vendor + " " + product);
  if (flags) return {Presence::kNo, "", "no hypervisor flag and no such name in the firmware"};
  if (box.line("/proc/cpuinfo", "CPU implementer")) return arm(box, vendor, product);
  return {Presence::kUnknown, "", "no CPU flags and no machine name to tell by"};
}

Container container(const Box& box) {
  const auto in = [](const std::string& runtime, const std::string& sign) {
    return Container{Presence::kYes, runtime, (runtime.empty() ? "a container" : runtime) + ", by " + sign};
  };
  const std::string systemd = box.read("/run/systemd/container").value_or("");
  if (!systemd.empty()) return in(systemd, "/run/systemd/container");
  const auto groups = box.read("/proc/self/cgroup");
  const std::string runtime = name_in(groups.value_or(""), kRuntimes);
  if (box.read("/run/.containerenv")) return in("podman", "/run/.containerenv");
  if (!runtime.empty()) return in(runtime, "its control group");
  if (box.read("/.dockerenv")) return in("docker", "/.dockerenv");
  if (!groups) return {Presence::kUnknown, "", "/proc/self/cgroup unreadable"};
  return {Presence::kNo, "", "no sign of one"};
}

}  // namespace tickmlp::bench
