//! Who was told of runs, and how far.

use chrono::TimeDelta;

use super::everywhere;

#[tokio::test]
async fn one_process_tells_a_channel_and_the_next_goes_on_where_it_stopped() {
    everywhere(async |place| {
        let history = place.open().await;
        let long = TimeDelta::minutes(5);
        assert_eq!(history.take_channel("noc", "a", long).await.unwrap(), Some(0));
        assert!(history.note_told("noc", "a", 7).await.unwrap());
        // Another one waits until the first has left, or its time is over.
        assert_eq!(history.take_channel("noc", "b", long).await.unwrap(), None);
        assert_eq!(history.take_channel("noc", "a", TimeDelta::zero() - long).await.unwrap(), Some(7));
        assert_eq!(history.take_channel("noc", "b", long).await.unwrap(), Some(7));
        assert!(!history.note_told("noc", "a", 8).await.unwrap());
        history.leave_channel("noc", "b").await.unwrap();
        assert_eq!(history.take_channel("noc", "a", long).await.unwrap(), Some(7));
        // Each channel for itself.
        assert_eq!(history.take_channel("mail", "b", long).await.unwrap(), Some(0));
    })
    .await;
}
