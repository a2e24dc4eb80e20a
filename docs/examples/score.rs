// SPDX-License-Identifier: Apache-2.0
//! Scores states from Rust, through the C interface and without crates: raw float32 in, raw float32 out.
//! Run: ./score weights/tactical-int8.blob STATES.f32 OUTPUTS.f32
use std::ffi::{c_void, CStr, CString};
use std::os::raw::{c_char, c_int};
use std::{env, fs, process, ptr};

// Written after tickmlp.h; a generator such as bindgen writes the same. Handles are opaque.
#[repr(C)]
struct Error {
    status: c_int,
    message: [c_char; 248],
}

/// The beginning of tickmlp_model_info, which is only ever read through the library's pointer.
#[repr(C)]
struct ModelInfo {
    name: *const c_char,
    run_id: *const c_char,
    exporter: *const c_char,
    kernel: *const c_char,
    element_type: c_int,
    inputs: u32,
    outputs: u32,
}

extern "C" {
    fn tickmlp_status_name(status: c_int) -> *const c_char;
    fn tickmlp_model_load(path: *const c_char, options: *const c_void, model: *mut *mut c_void, error: *mut Error)
        -> c_int;
    fn tickmlp_model_describe(model: *const c_void) -> *const ModelInfo;
    fn tickmlp_model_free(model: *mut c_void);
    fn tickmlp_session_create(model: *const c_void, options: *const c_void, session: *mut *mut c_void,
        error: *mut Error) -> c_int;
    fn tickmlp_session_free(session: *mut c_void);
    fn tickmlp_infer(session: *mut c_void, input: *const f32, input_count: usize, output: *mut f32,
        output_count: usize) -> c_int;
}

fn text(pointer: *const c_char) -> String {
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// A model and one session for it; freed in the right order when it goes out of scope.
struct Scorer {
    model: *mut c_void,
    session: *mut c_void,
    inputs: usize,
    outputs: usize,
}

impl Scorer {
    fn load(path: &str) -> Result<Scorer, String> {
        let path = CString::new(path).map_err(|e| e.to_string())?;
        let mut error = Error { status: 0, message: [0; 248] };
        let mut scorer = Scorer { model: ptr::null_mut(), session: ptr::null_mut(), inputs: 0, outputs: 0 };
        unsafe {
            if tickmlp_model_load(path.as_ptr(), ptr::null(), &mut scorer.model, &mut error) != 0
                || tickmlp_session_create(scorer.model, ptr::null(), &mut scorer.session, &mut error) != 0
            {
                return Err(format!("{}: {}", text(tickmlp_status_name(error.status)), text(error.message.as_ptr())));
            }
            let info = &*tickmlp_model_describe(scorer.model);
            scorer.inputs = info.inputs as usize;
            scorer.outputs = info.outputs as usize;
        }
        Ok(scorer)
    }

    fn infer(&mut self, input: &[f32], output: &mut [f32]) -> Result<(), String> {
        let status = unsafe {
            tickmlp_infer(self.session, input.as_ptr(), input.len(), output.as_mut_ptr(), output.len())
        };
        if status == 0 { Ok(()) } else { Err(text(unsafe { tickmlp_status_name(status) })) }
    }
}

impl Drop for Scorer {
    fn drop(&mut self) {
        unsafe {
            tickmlp_session_free(self.session);
            tickmlp_model_free(self.model);
        }
    }
}

fn score(blob: &str, states: &str, outputs: &str) -> Result<usize, String> {
    let mut scorer = Scorer::load(blob)?;
    let bytes = fs::read(states).map_err(|e| format!("{}: {}", states, e))?;
    let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let mut scored = vec![0.0f32; values.len() / scorer.inputs * scorer.outputs];
    let width = scorer.outputs;
    for (input, output) in values.chunks_exact(scorer.inputs).zip(scored.chunks_exact_mut(width)) {
        scorer.infer(input, output)?;
    }
    let raw: Vec<u8> = scored.iter().flat_map(|v| v.to_le_bytes()).collect();
    fs::write(outputs, raw).map_err(|e| format!("{}: {}", outputs, e))?;
    Ok(scored.len() / width)
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if arguments.len() != 4 {
        eprintln!("usage: {} BLOB STATES.f32 OUTPUTS.f32", arguments[0]);
        process::exit(2);
    }
    match score(&arguments[1], &arguments[2], &arguments[3]) {
        Ok(count) => println!("{} states", count),
        Err(message) => {
            eprintln!("{}", message);
            process::exit(4);
        }
    }
}
