//! Links libspikard: from the directory SPIKARD_LIBRARY, else from what pkg-config knows as `spikard`, else from where the linker looks by itself.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=SPIKARD_LIBRARY");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    println!("cargo:rustc-link-lib=dylib=spikard");
    if let Ok(folder) = env::var("SPIKARD_LIBRARY") {
        from(&folder);
        return;
    }
    let known = Command::new("pkg-config").args(["--variable=libdir", "spikard"]).output();
    if let Ok(output) = known {
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_string();
        if output.status.success() && !folder.is_empty() {
            from(&folder);
        }
    }
}

/// Links from a directory. Programs of this package find it there when they run; others are told by `DEP_SPIKARD_LIBDIR`.
fn from(folder: &str) {
    println!("cargo:rustc-link-search=native={folder}");
    println!("cargo:libdir={folder}");
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
}
