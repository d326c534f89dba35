use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::store::StoreError;

/// Numbers under keys. Numbers from 100 on never give way.
#[derive(Default)]
struct Written {
    all: Mutex<Vec<(u32, u32)>>,
    /// Keys whose writes fail.
    broken: Vec<u32>,
    tried: AtomicU64,
    /// The key whose writes panic.
    panics: Option<u32>,
    /// If set, each write waits for a permit.
    gate: Option<tokio::sync::Semaphore>,
}

impl BackgroundWork for Written {
    type Key = u32;
    type Note = u32;
    const MAX_PENDING: usize = 8;

    fn merge(earlier: &mut u32, later: u32) {
        *earlier = later.max(*earlier);
    }

    fn can_be_dropped(note: &u32) -> bool {
        *note < 100
    }

    async fn write(&self, key: &u32, note: &u32) -> Result<(), ServiceError> {
        self.tried.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        assert_ne!(self.panics, Some(*key), "a panic that the test asks for");
        if self.broken.contains(key) {
            return Err(StoreError::unavailable("test").into());
        }
        lock(&self.all).push((*key, *note));
        Ok(())
    }
}

/// Takes notes without starting a writer, so that one flush writes them all.
fn noted(work: Written, notes: &[(u32, u32)]) -> BackgroundWriter<Written> {
    let writer = BackgroundWriter::new(work);
    for (key, note) in notes {
        writer.writer.note(*key, *note);
    }
    writer
}

fn written(writer: &BackgroundWriter<Written>) -> Vec<(u32, u32)> {
    std::mem::take(&mut lock(&writer.work().all))
}

#[tokio::test]
async fn each_key_is_written_once_with_its_latest_note() {
    let writer = noted(Written::default(), &[(1, 1), (2, 7), (1, 3), (1, 2)]);
    writer.flush().await;
    assert_eq!(written(&writer), [(1, 3), (2, 7)]);
    writer.flush().await;
    assert_eq!(written(&writer), []);
}

#[tokio::test]
async fn a_failed_write_does_not_stop_the_others() {
    let work = Written {
        broken: vec![2, 4, 5],
        ..Written::default()
    };
    let writer = noted(work, &[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1)]);
    writer.flush().await;
    assert_eq!(written(&writer), [(1, 1), (3, 1), (6, 1)]);
    writer.flush().await;
    assert_eq!(writer.work().tried.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn an_unavailable_store_is_tried_three_times_and_the_rest_is_kept() {
    let work = Written {
        broken: vec![1, 2, 3],
        ..Written::default()
    };
    let writer = noted(work, &[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]);
    writer.flush().await;
    assert_eq!(writer.work().tried.load(Ordering::SeqCst), 3);
    assert_eq!(written(&writer), []);
    writer.flush().await;
    assert_eq!(written(&writer), [(4, 1), (5, 1)]);
}

#[tokio::test]
async fn in_a_full_queue_notes_that_give_way_are_dropped_for_others() {
    let full: Vec<_> = (0..8).map(|key| (key, key)).collect();
    let writer = noted(Written::default(), &full);
    writer.writer.note(8, 1);
    assert!(!lock(&writer.writer.noted).contains_key(&8));
    for key in 10..20 {
        writer.writer.note(key, 100);
    }
    writer.flush().await;
    let expected: Vec<_> = (10..18).map(|key| (key, 100)).collect();
    assert_eq!(written(&writer), expected);
}

#[tokio::test]
async fn a_note_taken_during_its_own_write_is_written_afterwards() {
    let work = Written {
        gate: Some(tokio::sync::Semaphore::new(0)),
        ..Written::default()
    };
    let writer = noted(work, &[]);
    let tried = |count| {
        let tried = &writer.work().tried;
        async move {
            while tried.load(Ordering::SeqCst) < count {
                tokio::task::yield_now().await;
            }
        }
    };
    writer.note(1, 1);
    tried(1).await;
    writer.note(1, 2);
    writer.note(1, 3);
    writer.work().gate.as_ref().unwrap().add_permits(9);
    writer.flush().await;
    assert_eq!(written(&writer), [(1, 1), (1, 3)]);
}

/// Keys that report when they are dropped. The writer drops its last key after it last looked for
/// notes, while it still holds the turn.
struct ReportOnDrop;

#[derive(Clone)]
struct Ends(u32, Arc<dyn Fn() + Send + Sync>);

impl Drop for Ends {
    fn drop(&mut self) {
        (self.1)();
    }
}

impl PartialEq for Ends {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Ends {}

impl PartialOrd for Ends {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ends {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl BackgroundWork for ReportOnDrop {
    type Key = Ends;
    type Note = u32;
    const MAX_PENDING: usize = 8;

    fn merge(earlier: &mut u32, later: u32) {
        *earlier = later;
    }

    fn can_be_dropped(_: &u32) -> bool {
        true
    }

    async fn write(&self, _: &Ends, _: &u32) -> Result<(), ServiceError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_note_taken_between_the_last_look_and_the_end_of_the_turn_is_written() {
    let writer = Arc::new(BackgroundWriter::new(ReportOnDrop));
    let (noted_late, weak) = (Arc::new(AtomicU64::new(0)), Arc::downgrade(&writer));
    let (late, nothing) = (Arc::clone(&noted_late), Arc::new(|| ()));
    let ended = move || {
        let writer = weak.upgrade().unwrap();
        // A key dropped from the map is dropped under this lock, which is too early.
        let Ok(noted) = writer.writer.noted.try_lock() else {
            return;
        };
        let is_last = noted.is_empty();
        drop(noted);
        if is_last && late.fetch_add(1, Ordering::SeqCst) == 0 {
            assert!(writer.writer.turn.try_lock().is_err());
            writer.note(Ends(2, nothing.clone()), 2);
        }
    };
    writer.note(Ends(1, Arc::new(ended)), 1);
    let turn = Arc::clone(&writer.writer.turn);
    while noted_late.load(Ordering::SeqCst) == 0 || turn.try_lock().is_err() {
        tokio::task::yield_now().await;
    }
    assert!(lock(&writer.writer.noted).is_empty());
}

#[tokio::test]
async fn a_key_that_is_noted_constantly_does_not_starve_the_others() {
    let writer = noted(Written::default(), &[(1, 0), (2, 0)]);
    let writer = &writer.writer;
    let next = |last: Option<u32>| writer.next(last.as_ref()).map(|(key, _)| key);
    assert_eq!(next(None), Some(1));
    assert_eq!(next(Some(1)), Some(2));
    assert_eq!(next(Some(2)), Some(1));
}

/// Even while the runtime's only blocking thread is busy.
#[test]
fn work_past_its_deadline_is_given_up() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let (done, working) = mpsc::channel::<()>();
        let blocking = tokio::task::spawn_blocking(move || working.recv().is_ok());
        let late = within(Duration::from_millis(5), std::future::pending::<()>());
        assert_eq!(late.await, None);
        drop(done);
        assert!(!blocking.await.unwrap());
        let polls = AtomicU64::new(0);
        let in_time = within(Duration::from_secs(600), async {
            while polls.fetch_add(1, Ordering::SeqCst) < 3 {
                tokio::task::yield_now().await;
            }
            7
        });
        assert_eq!(in_time.await, Some(7));
    });
}

/// A caller's clock or store may panic each time. The notes after it are still written.
#[tokio::test]
async fn a_note_whose_write_panics_does_not_block_the_others() {
    let work = Written {
        panics: Some(2),
        ..Written::default()
    };
    let writer = Arc::new(noted(work, &[(1, 1), (2, 1), (3, 1), (4, 1)]));
    let flush = || {
        let writer = Arc::clone(&writer);
        tokio::spawn(async move { writer.flush().await })
    };
    assert!(flush().await.unwrap_err().is_panic());
    assert_eq!(written(&writer), [(1, 1)]);
    flush().await.unwrap();
    assert_eq!(written(&writer), [(3, 1), (4, 1)]);
}

/// A cancelled writer has not written its current note, so the next writer does.
#[tokio::test]
async fn a_note_whose_write_is_cancelled_stays() {
    let work = Written {
        gate: Some(tokio::sync::Semaphore::new(0)),
        ..Written::default()
    };
    let writer = Arc::new(noted(work, &[(1, 1)]));
    let cut_off = tokio::spawn({
        let writer = Arc::clone(&writer);
        async move { writer.flush().await }
    });
    while writer.work().tried.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    cut_off.abort();
    assert!(cut_off.await.unwrap_err().is_cancelled());
    writer.work().gate.as_ref().unwrap().add_permits(9);
    writer.flush().await;
    assert_eq!(written(&writer), [(1, 1)]);
}

/// The lock on the handle is held while a writer starts: if two start in a row, the later one's
/// handle remains.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_writer_runs_before_its_handle_is_stored() {
    let writer = Arc::new(BackgroundWriter::new(Written::default()));
    let place = lock(&writer.task);
    let runtime = Handle::current();
    let noting = thread::spawn({
        let writer = Arc::clone(&writer);
        move || {
            let _inside = runtime.enter();
            writer.note(1, 1);
        }
    });
    while lock(&writer.writer.noted).is_empty() && written(&writer).is_empty() {
        thread::yield_now();
    }
    // Long enough for a writer that was started too early.
    thread::sleep(Duration::from_millis(50));
    assert_eq!(writer.work().tried.load(Ordering::SeqCst), 0);
    drop(place);
    noting.join().unwrap();
    writer.flush().await;
    assert_eq!(written(&writer), [(1, 1)]);
}

/// A store that never answers.
#[derive(Default)]
struct Silent(AtomicU64);

impl BackgroundWork for Silent {
    type Key = u32;
    type Note = ();
    const MAX_PENDING: usize = 8;
    const DEADLINE: Duration = Duration::from_millis(20);

    fn merge((): &mut (), (): ()) {}

    fn can_be_dropped((): &()) -> bool {
        true
    }

    async fn write(&self, _: &u32, (): &()) -> Result<(), ServiceError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

/// Longer than anything that ends takes.
const FOR_EVER: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_silent_store_is_tried_three_times_and_the_rest_is_kept() {
    let writer = BackgroundWriter::new(Silent::default());
    for key in 0..5 {
        writer.note(key, ());
    }
    let turn = Arc::clone(&writer.writer.turn).lock_owned();
    assert!(tokio::time::timeout(FOR_EVER, turn).await.is_ok());
    assert_eq!(writer.work().0.load(Ordering::SeqCst), 3);
    assert_eq!(lock(&writer.writer.noted).len(), 2);
}

#[tokio::test]
async fn a_flush_keeps_its_deadline_while_another_writer_holds_the_turn() {
    let writer = BackgroundWriter::new(Silent::default());
    let _turn = Arc::clone(&writer.writer.turn).lock_owned().await;
    let flush = tokio::time::timeout(FOR_EVER, writer.flush());
    assert_eq!(flush.await, Ok(()));
}
