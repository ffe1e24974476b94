-- Every approved sample with every load: a row a trial.
SELECT s.id || '-' || l.id AS trial,
       s.material,
       s.width,
       l.load_kn
FROM samples AS s CROSS JOIN loads AS l
WHERE s.approved = 1
ORDER BY s.id, l.load_kn
